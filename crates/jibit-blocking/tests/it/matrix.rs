//! Every operation under every outcome, as the table has it.

use jibit_blocking::{
    Client, Config, Error, Expected, Initiated, NewOrder, OrderId, Roots, Secret, UreqTransport,
    Verdict,
};
use jibit_matrix::Shop;

struct OnUreq(Client);

fn shop(config: Config) -> OnUreq {
    let transport = UreqTransport::builder().roots(Roots::none()).build();
    OnUreq(jibit_blocking::client_with(config, transport.unwrap()).unwrap())
}

impl Shop for OnUreq {
    fn authenticate(&self) -> Result<(), Error> {
        self.0.authenticate()
    }

    fn initiate(&self, order: NewOrder) -> Result<Initiated, Error> {
        self.0.initiate(order)
    }

    fn settle(&self, id: OrderId, expected: Expected) -> Result<Verdict, Error> {
        self.0.settle(id, expected)
    }

    fn export_tokens(&self) -> Option<Secret> {
        self.0.export_tokens()
    }

    fn restore_tokens(&self, tokens: &Secret) {
        self.0.restore_tokens(tokens).unwrap();
    }
}

jibit_matrix::tests!(shop);
