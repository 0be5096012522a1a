//! Connections, and statements on them.

use std::time::Duration;

use deadpool_postgres::{
    Client, Hook, HookError, Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod,
    Runtime,
};
use futures_util::future::join;
use tokio_postgres::{
    Config, NoTls, Row,
    config::{SslMode, TargetSessionAttrs},
    types::ToSql,
};

use super::{PostgresBuilder, error::Problem};

/// A statement and its parameters.
pub(super) type Statement<'a> = (&'static str, &'a [&'a (dyn ToSql + Sync)]);

/// How much longer a statement's answer may take than the statement: when it is
/// over, the server is not slow but gone.
const ON_THE_WAY: Duration = Duration::from_secs(2);

/// How long a connection is silent before it is seen to that it is still there:
/// shorter than firewalls forget.
const KEEPALIVE: Duration = Duration::from_secs(30);

pub(super) struct Connections {
    pool: Pool,
    patience: Duration,
}

impl Connections {
    pub(super) fn new(builder: &PostgresBuilder) -> Result<Self, Problem> {
        let manager = manager(builder)?;
        let session = session(builder.statement_timeout);
        let prepare = Hook::async_fn(move |client, _| {
            let session = session.clone();
            Box::pin(async move {
                client
                    .batch_execute(&session)
                    .await
                    .map_err(HookError::Backend)
            })
        });
        let pool = Pool::builder(manager)
            .max_size(builder.connections)
            // Who served last knows the statements and has them in the processor's cache.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(builder.statement_timeout))
            .create_timeout(Some(builder.connect_timeout))
            .recycle_timeout(Some(builder.connect_timeout))
            .post_create(prepare)
            .build()
            .map_err(|error| Problem::new(format!("the pool cannot be made: {error}")))?;
        Ok(Self {
            pool,
            patience: builder.statement_timeout + ON_THE_WAY,
        })
    }

    pub(super) async fn client(&self) -> Result<Client, Problem> {
        Ok(self.pool.get().await?)
    }

    /// Runs one statement: one round trip, and one more when a connection meets
    /// it first.
    pub(super) async fn query(&self, (sql, values): Statement<'_>) -> Result<Vec<Row>, Problem> {
        let client = self.client().await?;
        let work = async {
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query(&statement, values).await?)
        };
        let done = self.in_time(work).await;
        give_back(client, done)
    }

    /// Runs two statements, the second after the first has been committed, and in
    /// one round trip: the second is on its way before the first is answered.
    pub(super) async fn query_both(
        &self,
        first: Statement<'_>,
        second: Statement<'_>,
    ) -> Result<(Vec<Row>, Vec<Row>), Problem> {
        let client = self.client().await?;
        let work = async {
            let one = client.prepare_cached(first.0).await?;
            let other = client.prepare_cached(second.0).await?;
            // Each is sent when it is first polled, in this order.
            let one = client.query(&one, first.1);
            let other = client.query(&other, second.1);
            let (one, other) = join(one, other).await;
            Ok((one?, other?))
        };
        let done = self.in_time(work).await;
        give_back(client, done)
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        tokio::time::timeout(self.patience, work)
            .await
            .unwrap_or_else(|_| Err(Problem::too_late()))
    }
}

/// Gives a connection back, or away for good if it may be the reason of an error.
fn give_back<T>(client: Client, done: Result<T, Problem>) -> Result<T, Problem> {
    if done
        .as_ref()
        .is_err_and(|problem| !problem.connection_is_good)
    {
        drop(Object::take(client));
    }
    done
}

/// What every new connection is told, whatever the server's defaults are.
///
/// Every statement finds a few rows by an index, in the index's order. The planner is
/// told so: what it knows of a table that grows fast, or of which attempts are due,
/// is of yesterday, and a plan for yesterday may read a whole table.
fn session(statement_timeout: Duration) -> String {
    let timeout = statement_timeout.as_millis().clamp(1, 86_400_000);
    format!(
        "SET statement_timeout = {timeout};
         SET default_transaction_isolation = 'read committed';
         SET jit = off;
         SET plan_cache_mode = force_generic_plan;
         SET enable_seqscan = off;
         SET enable_bitmapscan = off;
         SET enable_hashjoin = off;
         SET enable_mergejoin = off;
         SET cpu_tuple_cost = 1;
         SET max_parallel_workers_per_gather = 0;
         SELECT set_config('synchronous_commit', 'on', false)
         WHERE current_setting('synchronous_commit') = 'off';"
    )
}

fn config(builder: &PostgresBuilder) -> Result<Config, Problem> {
    // What the parser says may quote a piece of the password.
    let mut config: Config = builder.url.parse().map_err(|_| {
        Problem::new(
            "the URL is not one of Postgres's: give postgres://user:password@host:5432/database, \
             with special letters percent-encoded, and only what tokio-postgres knows after `?`",
        )
    })?;
    if config.get_application_name().is_none() {
        config.application_name("jibit-checkout");
    }
    if config.get_hosts().len() > 1 {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    #[cfg(feature = "postgres-tls")]
    if builder.authorities.is_some() {
        config.ssl_mode(SslMode::Require);
    }
    config.connect_timeout(builder.connect_timeout);
    config.keepalives_idle(KEEPALIVE);
    config.tcp_user_timeout(builder.statement_timeout + ON_THE_WAY);
    Ok(config)
}

fn manager(builder: &PostgresBuilder) -> Result<Manager, Problem> {
    let config = config(builder)?;
    // A connection that the server closed is known without asking.
    let recycled = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    if config.get_ssl_mode() != SslMode::Require {
        let mut config = config;
        // Not "prefer", which whoever is in between can refuse.
        config.ssl_mode(SslMode::Disable);
        return Ok(Manager::from_config(config, NoTls, recycled));
    }
    #[cfg(feature = "postgres-tls")]
    {
        let tls = super::tls::connector(builder.authorities.as_deref())?;
        Ok(Manager::from_config(config, tls, recycled))
    }
    #[cfg(not(feature = "postgres-tls"))]
    Err(Problem::new(
        "the URL asks for TLS: build jibit-checkout with its feature postgres-tls",
    ))
}
