-- Every instant is in milliseconds since the Unix epoch, as the program has it:
-- exact both ways. For people: datetime(created_at / 1000, 'unixepoch').
--
-- Tables are named jibit_, so that a shop may have its own in the same file.

-- One row for each migration that ran. A program that knows a version smaller
-- than the greatest oldest_reader must not use the tables.
CREATE TABLE jibit_schema_version (
  version INTEGER PRIMARY KEY,
  oldest_reader INTEGER NOT NULL
) STRICT;

CREATE TABLE jibit_accounts (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE jibit_orders (
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES jibit_accounts,
  number TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  created_at INTEGER NOT NULL,
  withdrawn_at INTEGER,
  -- The attempt that holds the capture slot. One column: nothing can have two.
  slot INTEGER,
  UNIQUE (account, number)
) STRICT;

CREATE INDEX jibit_orders_latest ON jibit_orders (account, created_at, number);

CREATE TABLE jibit_attempts (
  of_order INTEGER NOT NULL REFERENCES jibit_orders,
  attempt INTEGER NOT NULL,
  -- Its order's; here for the indexes.
  account INTEGER NOT NULL,
  code TEXT NOT NULL,
  state TEXT NOT NULL,
  -- The gateway's orderId.
  order_id TEXT,
  redirect_url TEXT,
  mobile_end TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  paid_at INTEGER,
  seen_at INTEGER,
  seen TEXT,
  asked_at INTEGER,
  next_ask INTEGER,
  ref_id TEXT,
  -- Names with commas between them.
  alarms TEXT NOT NULL DEFAULT '',
  version INTEGER NOT NULL,
  PRIMARY KEY (of_order, attempt)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX jibit_attempts_code ON jibit_attempts (account, code);
CREATE UNIQUE INDEX jibit_attempts_order_id ON jibit_attempts (account, order_id)
  WHERE order_id IS NOT NULL;
CREATE INDEX jibit_attempts_ref_id ON jibit_attempts (account, ref_id)
  WHERE ref_id IS NOT NULL;
-- The claim's: what is due, and what is due by age.
CREATE INDEX jibit_attempts_due ON jibit_attempts (account, next_ask)
  WHERE next_ask IS NOT NULL;
CREATE INDEX jibit_attempts_due_by_age ON jibit_attempts (account, created_at, next_ask)
  WHERE next_ask IS NOT NULL;
CREATE INDEX jibit_attempts_intents ON jibit_attempts (account, created_at, next_ask)
  WHERE state = 'verify-intent';
-- For what people look at. They are small: most attempts are in none. No IN of many here:
-- for each row that is written SQLite would make a table of what is in it.
CREATE INDEX jibit_attempts_waiting ON jibit_attempts (account, paid_at)
  WHERE paid_at IS NOT NULL
    AND (state = 'initiating' OR state = 'open' OR state = 'dormant' OR state = 'verify-intent');
CREATE INDEX jibit_attempts_quarantined ON jibit_attempts (account, state)
  WHERE state LIKE 'quarantined:%';
CREATE INDEX jibit_attempts_alarmed ON jibit_attempts (account)
  WHERE alarms <> '';

CREATE TABLE jibit_outbox (
  of_order INTEGER PRIMARY KEY REFERENCES jibit_orders,
  account INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  ref_id TEXT,
  paid_at INTEGER NOT NULL,
  -- Somebody has it until then.
  held_until INTEGER NOT NULL DEFAULT 0,
  fulfilled_at INTEGER
) STRICT;

CREATE INDEX jibit_outbox_open ON jibit_outbox (account, paid_at)
  WHERE fulfilled_at IS NULL;

CREATE TABLE jibit_timeline (
  of_order INTEGER NOT NULL REFERENCES jibit_orders,
  line INTEGER NOT NULL,
  at INTEGER NOT NULL,
  attempt INTEGER,
  state TEXT,
  text TEXT NOT NULL,
  PRIMARY KEY (of_order, line)
) STRICT, WITHOUT ROWID;

-- What follows is for the shop itself, to use inside a transaction of its own: the
-- mark is then committed with the shop's own rows, or not at all.

-- Paid orders that nobody has fulfilled or holds.
CREATE VIEW jibit_unfulfilled AS
  SELECT a.key AS account, o.number, b.attempt, o.amount, b.ref_id, b.paid_at
  FROM jibit_outbox b
  JOIN jibit_orders o ON o.id = b.of_order
  JOIN jibit_accounts a ON a.id = o.account
  WHERE b.fulfilled_at IS NULL
    AND b.held_until <= CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER);

-- Deleting from it marks them as fulfilled.
CREATE TRIGGER jibit_fulfil INSTEAD OF DELETE ON jibit_unfulfilled BEGIN
  INSERT INTO jibit_timeline (of_order, line, at, text)
    SELECT o.id, (SELECT coalesce(max(t.line), 0) + 1 FROM jibit_timeline t WHERE t.of_order = o.id),
      CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'the shop fulfilled the order'
    FROM jibit_orders o JOIN jibit_accounts a ON a.id = o.account
    WHERE a.key = old.account AND o.number = old.number;
  UPDATE jibit_outbox SET
    fulfilled_at = CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
  WHERE fulfilled_at IS NULL AND of_order = (
    SELECT o.id FROM jibit_orders o JOIN jibit_accounts a ON a.id = o.account
    WHERE a.key = old.account AND o.number = old.number
  );
END;

-- What hosts share to be logged in once, by the text of the account, sealed under a
-- key that is not in here; whoever holds a row may renew it until then.
CREATE TABLE jibit_tokens (
  account TEXT PRIMARY KEY,
  sealed BLOB,
  held_by TEXT NOT NULL,
  held_until INTEGER NOT NULL
) STRICT;
