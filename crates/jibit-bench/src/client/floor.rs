//! The floor: a socket of tokio's a flow, bytes that are ready, and of an answer no
//! more than where it ends.

use std::{net::SocketAddr, sync::Arc};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::{
    payer::{Payer, Paying},
    trusting,
};
use crate::{
    Outcome,
    requests::{Merchant, TOKEN, merchant_order_id},
    said,
    wire::head,
};

pub(super) fn payers(flows: &Paying) -> Outcome<Vec<Floor>> {
    let certificate = flows.certificate()?;
    let tls = match certificate {
        Some(pem) => Some(TlsConnector::from(Arc::new(trusting(Some(&pem))?))),
        None => None,
    };
    let mut merchant = Merchant::new(flows.address);
    TOKEN.clone_into(&mut merchant.token);
    let payer = |flow: usize| {
        let order = merchant_order_id(flow);
        Floor {
            address: flows.address,
            tls: tls.clone(),
            stream: None,
            buffer: vec![0; 4096],
            requests: [
                merchant.initiate(flow),
                merchant.inquiry(&order),
                merchant.verify(&order),
            ],
        }
    };
    Ok((0..flows.flows).map(payer).collect())
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

pub(super) struct Floor {
    address: SocketAddr,
    tls: Option<TlsConnector>,
    stream: Option<Box<dyn Stream>>,
    buffer: Vec<u8>,
    requests: [Vec<u8>; 3],
}

async fn connect(address: SocketAddr, tls: Option<TlsConnector>) -> Outcome<Box<dyn Stream>> {
    let stream = TcpStream::connect(address).await.map_err(said)?;
    stream.set_nodelay(true).map_err(said)?;
    Ok(match tls {
        None => Box::new(stream),
        Some(tls) => {
            let name = ServerName::IpAddress(address.ip().into());
            Box::new(tls.connect(name, stream).await.map_err(said)?)
        }
    })
}

impl Payer for Floor {
    async fn pay(&mut self, _: usize) -> Outcome<()> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let stream = connect(self.address, self.tls.clone()).await?;
                self.stream.insert(stream)
            }
        };
        for request in &self.requests {
            stream.write_all(request).await.map_err(said)?;
            stream.flush().await.map_err(said)?;
            let mut filled = 0;
            loop {
                let room = self.buffer.get_mut(filled..).unwrap_or_default();
                match stream.read(room).await.map_err(said)? {
                    0 => return Err("the connection closed without an answer".to_owned()),
                    count => filled += count,
                }
                let head = head(self.buffer.get(..filled).unwrap_or_default())?;
                if head.is_some_and(|(_, _, end)| filled >= end) {
                    break;
                }
            }
        }
        Ok(())
    }
}
