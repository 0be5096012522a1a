-- What an order was begun with besides its amount, in a form of the shop's own.
ALTER TABLE jibit_orders ADD COLUMN terms TEXT;

-- What a shop is to be told, for whoever follows an account: see `Notices`. Written by
-- triggers, so that it is committed with what it is about, whichever program or
-- version makes the change.

-- The accounts whose shops are told.
CREATE TABLE jibit_followed (
  account INTEGER PRIMARY KEY REFERENCES jibit_accounts
) STRICT;

CREATE TABLE jibit_notices (
  -- Random, so that it is another one after a backup was restored.
  id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
  account INTEGER NOT NULL,
  of_order INTEGER NOT NULL REFERENCES jibit_orders,
  attempt INTEGER NOT NULL,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  -- How often somebody took it.
  tries INTEGER NOT NULL DEFAULT 0,
  -- Somebody has it until then, or nobody is to try before.
  held_until INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX jibit_notices_next ON jibit_notices (account, held_until, at);

CREATE TRIGGER jibit_notice_of_payment AFTER INSERT ON jibit_outbox
WHEN EXISTS (SELECT 1 FROM jibit_followed f WHERE f.account = new.account)
BEGIN
  INSERT INTO jibit_notices (account, of_order, attempt, kind, at)
  VALUES (new.account, new.of_order, new.attempt, 'paid', new.paid_at);
END;

CREATE TRIGGER jibit_notice_of_end AFTER UPDATE OF state ON jibit_attempts
WHEN new.state <> old.state
  AND (new.state = 'cancelled' OR new.state = 'lapsed' OR new.state = 'abandoned')
  AND EXISTS (SELECT 1 FROM jibit_followed f WHERE f.account = new.account)
BEGIN
  INSERT INTO jibit_notices (account, of_order, attempt, kind, at)
  VALUES (
    new.account, new.of_order, new.attempt, 'not-paid',
    CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
  );
END;

CREATE TRIGGER jibit_notice_of_alarm AFTER UPDATE OF alarms ON jibit_attempts
WHEN new.alarms <> old.alarms
  AND EXISTS (SELECT 1 FROM jibit_followed f WHERE f.account = new.account)
BEGIN
  INSERT INTO jibit_notices (account, of_order, attempt, kind, at)
  VALUES (
    new.account, new.of_order, new.attempt, 'needs-person',
    CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
  );
END;
