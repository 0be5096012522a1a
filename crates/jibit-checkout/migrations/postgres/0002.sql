-- What an order was begun with besides its amount, in a form of the shop's own.
ALTER TABLE jibit.orders ADD COLUMN terms text;

-- What a shop is to be told, for whoever follows an account: see `Notices`. Written by
-- triggers, so that it is committed with what it is about, whichever program or
-- version makes the change.

-- The accounts whose shops are told.
CREATE TABLE jibit.followed (
  account bigint PRIMARY KEY
);

CREATE TABLE jibit.notices (
  -- Random, so that it is another one after a backup was restored.
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account bigint NOT NULL,
  number text COLLATE "C" NOT NULL,
  attempt integer NOT NULL,
  kind text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  -- How often somebody took it.
  tries integer NOT NULL DEFAULT 0,
  -- Somebody has it until then, or nobody is to try before.
  held_until bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX notices_next ON jibit.notices (account, held_until);

CREATE FUNCTION jibit.notice_of_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO jibit.notices (account, number, attempt, kind, at)
  SELECT f.account, new.number, new.attempt, 'paid', new.paid_at
  FROM jibit.followed f WHERE f.account = new.account;
  RETURN NULL;
END
$$;

CREATE TRIGGER notice AFTER INSERT ON jibit.outbox
  FOR EACH ROW EXECUTE FUNCTION jibit.notice_of_payment();

CREATE FUNCTION jibit.notice_of_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO jibit.notices (account, number, attempt, kind, at)
  SELECT f.account, new.number, new.attempt, tg_argv[0],
    (extract(epoch FROM statement_timestamp()) * 1000)::bigint
  FROM jibit.followed f WHERE f.account = new.account;
  RETURN NULL;
END
$$;

CREATE TRIGGER notice_of_end AFTER UPDATE OF state ON jibit.attempts
  FOR EACH ROW
  WHEN (new.state <> old.state AND new.state IN ('cancelled', 'lapsed', 'abandoned'))
  EXECUTE FUNCTION jibit.notice_of_attempt('not-paid');

CREATE TRIGGER notice_of_alarm AFTER UPDATE OF alarms ON jibit.attempts
  FOR EACH ROW
  WHEN (new.alarms <> old.alarms)
  EXECUTE FUNCTION jibit.notice_of_attempt('needs-person');
