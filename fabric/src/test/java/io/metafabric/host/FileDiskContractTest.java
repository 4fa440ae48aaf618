package io.metafabric.host;

import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class FileDiskContractTest implements DiskContract {
  @TempDir Path directory;

  @Override
  public Disk newDisk() {
    return new FileDisk(directory);
  }

  @Override
  public Disk sameDirectory(Disk opened) {
    return new FileDisk(Path.of(opened.describe()));
  }
}
