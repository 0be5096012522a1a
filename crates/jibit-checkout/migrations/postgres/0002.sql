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

CREATE INDEX notices_next ON jibit.notices (account, held_until, at, id);

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

-- For shops that are not in Rust: see docs/schema.md.

-- Opens an order in the caller's own transaction: committed with the caller's rows, or
-- not at all. True if it is new; false if it was there. Another amount is an error.
CREATE FUNCTION jibit.open_order(account_key text, order_number text, amount bigint)
RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  me bigint;
  now_millis bigint := (extract(epoch FROM statement_timestamp()) * 1000)::bigint;
  there bigint;
BEGIN
  IF account_key IS NULL OR account_key !~ '^.+@https?://.+$' THEN
    RAISE EXCEPTION 'account_key is not an account: give username@origin, such as 7746@https://pg.jibit.mobi'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF order_number IS NULL OR order_number !~ '^[A-Za-z0-9_-]{1,64}$' THEN
    RAISE EXCEPTION 'order_number is not 1 to 64 of A-Z, a-z, 0-9, - and _: give the shop''s own number, such as order-17'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF amount IS NULL OR amount NOT BETWEEN 1 AND 9007199254740991 THEN
    RAISE EXCEPTION 'amount is not 1 to 9007199254740991: give it in Rial'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  SELECT a.id INTO me FROM jibit.accounts a WHERE a.key = account_key;
  IF me IS NULL THEN
    INSERT INTO jibit.accounts (key) VALUES (account_key) ON CONFLICT (key) DO NOTHING;
    SELECT a.id INTO STRICT me FROM jibit.accounts a WHERE a.key = account_key;
  END IF;
  INSERT INTO jibit.orders (account, number, amount, created_at)
  VALUES (me, order_number, open_order.amount, now_millis)
  ON CONFLICT (account, number) DO NOTHING;
  IF FOUND THEN
    INSERT INTO jibit.timeline (account, number, at, text)
    VALUES (me, order_number, now_millis, 'the order was opened');
    RETURN true;
  END IF;
  SELECT o.amount INTO there FROM jibit.orders o WHERE o.account = me AND o.number = order_number;
  IF there <> open_order.amount THEN
    RAISE EXCEPTION 'order % was opened with another amount: give a changed order a number of its own', order_number
      USING ERRCODE = 'unique_violation';
  END IF;
  RETURN false;
END
$$;

-- How an order stands; no row if there is none. `standing` is as docs/schema.md says.
CREATE FUNCTION jibit.order_status(account_key text, order_number text)
RETURNS TABLE (
  standing text, amount bigint, attempts integer, ref_id text, fulfilled boolean, alarms text[]
)
LANGUAGE sql STABLE AS $$
  SELECT
    CASE
      WHEN o.slot IS NOT NULL AND bool_or(a.attempt = o.slot AND a.state = 'paid') THEN 'paid'
      WHEN o.slot IS NOT NULL THEN 'asking'
      WHEN o.withdrawn_at IS NOT NULL THEN 'withdrawn'
      WHEN coalesce(bool_and(
        a.state IN ('cancelled', 'lapsed', 'abandoned') AND NOT 'unknown-order' = ANY (a.alarms)
      ), true) THEN 'not-paid'
      ELSE 'asking'
    END,
    o.amount,
    count(a.attempt)::integer,
    max(a.ref_id) FILTER (WHERE a.attempt = o.slot AND a.state = 'paid'),
    EXISTS (
      SELECT FROM jibit.outbox b
      WHERE b.account = o.account AND b.number = o.number AND b.fulfilled_at IS NOT NULL
    ),
    ARRAY (
      SELECT DISTINCT alarm FROM jibit.attempts i, unnest(i.alarms) alarm
      WHERE i.account = o.account AND i.number = o.number ORDER BY alarm
    )
  FROM jibit.orders o
  LEFT JOIN jibit.attempts a ON a.account = o.account AND a.number = o.number
  WHERE o.account = (SELECT k.id FROM jibit.accounts k WHERE k.key = account_key)
    AND o.number = order_number
  GROUP BY o.account, o.number, o.slot, o.withdrawn_at, o.amount
$$;
