CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE rooms (
  conversation_id TEXT PRIMARY KEY,
  summary TEXT NOT NULL
) WITHOUT ROWID;

-- What is held of each conversation: the cursor, and the spans of seqs.
CREATE TABLE places (
  conversation_id TEXT PRIMARY KEY,
  cursor INTEGER NOT NULL,
  ranges TEXT NOT NULL
) WITHOUT ROWID;

-- Only events that are rows on a screen; changes of messages are applied to them.
CREATE TABLE events (
  conversation_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  server_msg_id TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (conversation_id, seq)
) WITHOUT ROWID;

CREATE INDEX events_of_message ON events (conversation_id, server_msg_id)
  WHERE server_msg_id <> '';

CREATE TABLE outbox (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  client_msg_id TEXT NOT NULL UNIQUE,
  conversation_id TEXT NOT NULL,
  body TEXT NOT NULL
);

CREATE TABLE drafts (
  conversation_id TEXT PRIMARY KEY,
  text TEXT NOT NULL
) WITHOUT ROWID;
