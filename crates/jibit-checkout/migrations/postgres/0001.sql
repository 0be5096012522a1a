-- Every instant is in milliseconds since the Unix epoch, as the program has it:
-- exact both ways. For people: to_timestamp(created_at / 1000.0).
--
-- Numbers are compared by their bytes, whatever the database's collation.

-- One row for each migration that ran. A program that knows a version smaller
-- than the greatest oldest_reader must not use the tables.
CREATE TABLE jibit.schema_version (
  version integer PRIMARY KEY,
  oldest_reader integer NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE jibit.accounts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key text COLLATE "C" NOT NULL UNIQUE
);

-- Not a foreign key to accounts: every order that is opened would lock the one
-- row of its account, and its writers would wait for each other there.
CREATE TABLE jibit.orders (
  account bigint NOT NULL,
  number text COLLATE "C" NOT NULL,
  amount bigint NOT NULL CHECK (amount >= 0),
  created_at bigint NOT NULL,
  withdrawn_at bigint,
  -- The attempt that holds the capture slot. One column: nothing can have two.
  -- It is here and not with the attempts, so that taking it and withdrawing the
  -- order are two changes of one row, and only one of them finds it free.
  slot integer,
  PRIMARY KEY (account, number)
) WITH (fillfactor = 85);

-- For lists, which say the condition. Without it, a planner that thinks the table small
-- finds an order's row by reading the account's part of this index.
CREATE INDEX orders_latest ON jibit.orders (account, created_at, number)
  WHERE created_at >= 0;

CREATE TABLE jibit.attempts (
  account bigint NOT NULL,
  number text COLLATE "C" NOT NULL,
  attempt integer NOT NULL,
  code text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  -- The gateway's orderId.
  order_id text COLLATE "C",
  redirect_url text,
  mobile_end text NOT NULL,
  created_at bigint NOT NULL,
  paid_at bigint,
  seen_at bigint,
  seen text,
  asked_at bigint,
  next_ask bigint,
  ref_id text COLLATE "C",
  alarms text[] NOT NULL DEFAULT '{}',
  version bigint NOT NULL,
  PRIMARY KEY (account, number, attempt),
  FOREIGN KEY (account, number) REFERENCES jibit.orders
  -- Every claim leaves dead entries where the next one looks first.
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);

-- Not by account first: to a planner that thinks the table small it would then look
-- as good as the primary key for finding an attempt.
CREATE UNIQUE INDEX attempts_code ON jibit.attempts (code, account);
CREATE UNIQUE INDEX attempts_order_id ON jibit.attempts (account, order_id)
  WHERE order_id IS NOT NULL;
CREATE INDEX attempts_ref_id ON jibit.attempts (account, ref_id)
  WHERE ref_id IS NOT NULL;
-- The claim's: what is due, and what is due by age.
CREATE INDEX attempts_due ON jibit.attempts (account, next_ask)
  WHERE next_ask IS NOT NULL;
CREATE INDEX attempts_due_by_age ON jibit.attempts (account, created_at, next_ask)
  WHERE next_ask IS NOT NULL;
CREATE INDEX attempts_intents ON jibit.attempts (account, created_at, next_ask)
  WHERE state = 'verify-intent';
-- For what people look at. They are small: most attempts are in none.
CREATE INDEX attempts_waiting ON jibit.attempts (account, paid_at)
  WHERE paid_at IS NOT NULL
    AND state IN ('initiating', 'open', 'dormant', 'verify-intent');
CREATE INDEX attempts_quarantined ON jibit.attempts (account)
  WHERE state LIKE 'quarantined:%';
CREATE INDEX attempts_alarmed ON jibit.attempts (account)
  WHERE alarms <> '{}';

CREATE TABLE jibit.outbox (
  account bigint NOT NULL,
  number text COLLATE "C" NOT NULL,
  attempt integer NOT NULL,
  amount bigint NOT NULL,
  ref_id text,
  paid_at bigint NOT NULL,
  -- Somebody has it until then.
  held_until bigint NOT NULL DEFAULT 0,
  fulfilled_at bigint,
  PRIMARY KEY (account, number),
  FOREIGN KEY (account, number) REFERENCES jibit.orders
);

CREATE INDEX outbox_open ON jibit.outbox (account, paid_at, number)
  WHERE fulfilled_at IS NULL;

-- Not a foreign key: each line is written from its order's row, in one statement.
CREATE TABLE jibit.timeline (
  account bigint NOT NULL,
  number text COLLATE "C" NOT NULL,
  line bigint GENERATED ALWAYS AS IDENTITY,
  at bigint NOT NULL,
  attempt integer,
  state text,
  text text NOT NULL,
  PRIMARY KEY (account, number, line)
);

-- What hosts share to be logged in once, by the text of the account, sealed under a
-- key that is not in here; whoever holds a row may renew it until then.
CREATE TABLE jibit.tokens (
  account text COLLATE "C" PRIMARY KEY,
  sealed bytea,
  held_by text NOT NULL,
  held_until bigint NOT NULL
);

-- What follows is for the shop itself, to call inside a transaction of its own:
-- the mark is then committed with the shop's own rows, or not at all.

-- Takes paid orders that nobody has fulfilled or holds, the oldest first, and
-- marks them as fulfilled.
CREATE FUNCTION jibit.take_paid(account_key text, at_most integer)
RETURNS TABLE (number text, attempt integer, amount bigint, ref_id text, paid_at bigint)
LANGUAGE sql VOLATILE AS $$
  WITH clock AS (
    SELECT (extract(epoch FROM statement_timestamp()) * 1000)::bigint AS now
  ), picked AS MATERIALIZED (
    SELECT b.account, b.number FROM jibit.outbox b
    WHERE b.account = (SELECT a.id FROM jibit.accounts a WHERE a.key = account_key)
      AND b.fulfilled_at IS NULL AND b.held_until <= (SELECT c.now FROM clock c)
    ORDER BY b.paid_at, b.number
    LIMIT at_most
    FOR NO KEY UPDATE SKIP LOCKED
  ), taken AS (
    UPDATE jibit.outbox b SET fulfilled_at = (SELECT c.now FROM clock c)
    FROM picked p WHERE b.account = p.account AND b.number = p.number
    RETURNING b.account, b.number, b.attempt, b.amount, b.ref_id, b.paid_at, b.fulfilled_at
  ), line AS (
    INSERT INTO jibit.timeline (account, number, at, text)
    SELECT t.account, t.number, t.fulfilled_at, 'the shop fulfilled the order' FROM taken t
  )
  SELECT t.number, t.attempt, t.amount, t.ref_id, t.paid_at FROM taken t
  ORDER BY t.paid_at, t.number
$$;

-- Marks one paid order as fulfilled. False if it is not in the outbox or was
-- marked before; while somebody else is just marking it, it waits.
CREATE FUNCTION jibit.fulfil(account_key text, order_number text)
RETURNS boolean
LANGUAGE sql VOLATILE AS $$
  WITH marked AS (
    UPDATE jibit.outbox b
    SET fulfilled_at = (extract(epoch FROM statement_timestamp()) * 1000)::bigint
    WHERE b.account = (SELECT a.id FROM jibit.accounts a WHERE a.key = account_key)
      AND b.number = order_number AND b.fulfilled_at IS NULL
    RETURNING b.account, b.number, b.fulfilled_at
  ), line AS (
    INSERT INTO jibit.timeline (account, number, at, text)
    SELECT m.account, m.number, m.fulfilled_at, 'the shop fulfilled the order' FROM marked m
  )
  SELECT count(*) > 0 FROM marked
$$;
