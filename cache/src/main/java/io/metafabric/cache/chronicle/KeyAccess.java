package io.metafabric.cache.chronicle;

import io.metafabric.core.record.Key;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.bytes.RandomDataInput;
import net.openhft.chronicle.hash.AbstractData;
import net.openhft.chronicle.hash.Data;
import net.openhft.chronicle.hash.serialization.DataAccess;
import net.openhft.chronicle.wire.WireIn;
import net.openhft.chronicle.wire.WireOut;
import org.jspecify.annotations.Nullable;

/**
 * Shows keys to the map through one buffer that is used again and again, where the library's own
 * would make several objects for each. The map gives every thread a copy. The map writes this
 * class's name into its file.
 */
final class KeyAccess extends AbstractData<byte[]> implements DataAccess<byte[]> {
  private transient byte[] buffer = new byte[Key.MAX_BYTES];
  private transient BytesStore<?, ?> store = BytesStore.wrap(buffer);
  private transient int length;

  @Override
  public Data<byte[]> getData(byte[] key) {
    System.arraycopy(key, 0, buffer, 0, key.length);
    length = key.length;
    return this;
  }

  @Override
  public void uninit() {
    length = 0;
  }

  @Override
  public DataAccess<byte[]> copy() {
    return new KeyAccess();
  }

  @Override
  public RandomDataInput bytes() {
    return store;
  }

  @Override
  public long offset() {
    return store.start();
  }

  @Override
  public long size() {
    return length;
  }

  @Override
  public byte[] get() {
    return getUsing(null);
  }

  @Override
  public byte[] getUsing(byte @Nullable [] using) {
    byte[] key = using == null || using.length != length ? new byte[length] : using;
    System.arraycopy(buffer, 0, key, 0, length);
    return key;
  }

  /** There is nothing to read. */
  @Override
  public void readMarshallable(WireIn wire) {
    buffer = new byte[Key.MAX_BYTES];
    store = BytesStore.wrap(buffer);
  }

  /** There is nothing to write. */
  @Override
  public void writeMarshallable(WireOut wire) {}
}
