package io.metafabric.core.sim;

import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;

/** Another file, for tests that change one thing of it or look on. */
public class ForwardingFile implements DiskFile {
  private final DiskFile file;

  protected ForwardingFile(DiskFile file) {
    this.file = file;
  }

  @Override
  public final String name() {
    return file.name();
  }

  @Override
  public final long sizeBytes() {
    return file.sizeBytes();
  }

  @Override
  public int read(long offset, ByteBuffer target) {
    return file.read(offset, target);
  }

  @Override
  public final void write(long offset, ByteBuffer source) {
    file.write(offset, source);
  }

  @Override
  public final void truncate(long sizeBytes) {
    file.truncate(sizeBytes);
  }

  @Override
  public void sync() {
    file.sync();
  }

  @Override
  public final void close() {
    file.close();
  }
}
