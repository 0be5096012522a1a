use crate::{
    Error, OrderId,
    flow::{Ask, Flow, Progress, Reply},
    wire::{
        initiate::{Initiated, NewOrder},
        inquiry::Inquired,
    },
};

/// Gets a pair of tokens from the gateway; one that came less than 5 s ago or
/// while this call waited will do.
#[derive(Debug)]
pub struct Authenticate;

/// Registers an order.
#[derive(Debug)]
pub struct Initiate(NewOrder);

/// Asks for an order's state, uncompared. [`Look`](crate::Look) compares.
#[derive(Debug)]
pub struct Inquiry(OrderId);

impl Initiate {
    /// Registers `order`.
    #[must_use]
    pub const fn new(order: NewOrder) -> Self {
        Self(order)
    }
}

impl Inquiry {
    /// Asks for the state of `order`.
    #[must_use]
    pub const fn new(order: OrderId) -> Self {
        Self(order)
    }
}

/// Ends a flow of one request: with what `$reply` takes out of the answer.
macro_rules! single {
    ($flow:ty, $output:ty, |$this:ident| $ask:expr, $reply:pat => $value:expr) => {
        impl Flow for $flow {
            type Output = Result<$output, Error>;

            fn ask(&self) -> Ask<'_> {
                let $this = self;
                $ask
            }

            fn advance(&mut self, reply: Result<Reply, Error>) -> Progress<Self::Output> {
                Progress::Done(match reply {
                    Ok($reply) => Ok($value),
                    Ok(_) => Err(Error::other_question()),
                    Err(error) => Err(error),
                })
            }

            fn expire(&mut self, cause: Error) -> Self::Output {
                Err(cause)
            }
        }
    };
}

single!(Authenticate, (), |_this| Ask::Authenticate, Reply::Authenticated => ());
single!(Initiate, Initiated, |this| Ask::Initiate(&this.0), Reply::Initiated(initiated) => initiated);
single!(Inquiry, Inquired, |this| Ask::Inquiry(&this.0), Reply::Inquired(inquired) => inquired);
