//! Every operation under every outcome, as the table has it.

use jibit_hyper::{Client, Config, Error, Expected, NewOrder, OrderId, Secret, Verdict};
use jibit_matrix::Shop;
use tokio::runtime::Runtime;

use super::transport;

struct OnHyper(Client, Runtime);

fn shop(config: Config) -> OnHyper {
    let runtime = Runtime::new().unwrap();
    let client = runtime.block_on(async { jibit_hyper::client_with(config, transport()) });
    OnHyper(client.unwrap(), runtime)
}

impl Shop for OnHyper {
    fn authenticate(&self) -> Result<(), Error> {
        self.1.block_on(self.0.authenticate())
    }

    fn initiate(&self, order: NewOrder) -> Result<jibit_hyper::Initiated, Error> {
        self.1.block_on(self.0.initiate(order))
    }

    fn settle(&self, id: OrderId, expected: Expected) -> Result<Verdict, Error> {
        self.1.block_on(self.0.settle(id, expected))
    }

    fn export_tokens(&self) -> Option<Secret> {
        self.0.export_tokens()
    }

    fn restore_tokens(&self, tokens: &Secret) {
        self.0.restore_tokens(tokens).unwrap();
    }
}

jibit_matrix::tests!(shop);
