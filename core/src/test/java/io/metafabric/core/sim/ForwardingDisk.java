package io.metafabric.core.sim;

import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.util.List;

/** Another disk, for tests that change one thing of it or look on. */
public abstract class ForwardingDisk implements Disk {
  private final Disk disk;

  protected ForwardingDisk(Disk disk) {
    this.disk = disk;
  }

  /** What takes the place of a file of the other disk. */
  protected abstract DiskFile opened(DiskFile file);

  @Override
  public final DiskFile open(String name) {
    return opened(disk.open(name));
  }

  @Override
  public final DirectoryLock lock() {
    return disk.lock();
  }

  @Override
  public final List<String> list() {
    return disk.list();
  }

  @Override
  public final void delete(String name) {
    disk.delete(name);
  }

  @Override
  public final void syncDirectory() {
    disk.syncDirectory();
  }

  @Override
  public final String describe() {
    return disk.describe();
  }
}
