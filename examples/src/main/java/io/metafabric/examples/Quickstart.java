package io.metafabric.examples;

import io.metafabric.MetadataFabric;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/** The README's example, with the directory as an argument. */
public final class Quickstart {
  private Quickstart() {}

  public static void main(String[] args) {
    System.out.println(run(Path.of(args.length == 0 ? "data" : args[0])).orElse("nothing"));
  }

  static Optional<String> run(Path directory) {
    try (var fabric = MetadataFabric.builder().region("eu-west").directory(directory).open()) {
      fabric.put("catalogue/42", "blue teapot".getBytes(StandardCharsets.UTF_8));
      return fabric.get("catalogue/42").map(value -> value.utf8());
    }
  }
}
