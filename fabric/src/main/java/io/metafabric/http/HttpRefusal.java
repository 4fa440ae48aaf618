package io.metafabric.http;

/** Why a connection or a request was turned away. */
public enum HttpRefusal {
  /** More connections than there may be: closed unheard. */
  CONNECTIONS,
  /** Head or body did not come, or the answer was not taken, in time. */
  SLOW,
  /** What came is no HTTP, its head is too large, or too many requests came at once. */
  MALFORMED,
  /** No token, or another one. */
  TOKEN,
  /** Without a token only hosts of this machine are answered for. */
  HOST,
  PATH,
  METHOD,
  CONTENT_TYPE,
  /** A body larger than it may be. */
  SIZE,
  /** A field that is missing, unknown, given twice or out of its bounds; broken JSON. */
  FIELD
}
