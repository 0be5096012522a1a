//! HTTP/1.1 over a socket, by hand: what the reference transport reads with.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Instant,
};

use bytes::Bytes;
use rustls::{ClientConnection, StreamOwned};

pub(crate) enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

#[derive(Debug)]
pub(crate) enum Why {
    Io(io::ErrorKind),
    Tls(rustls::Error),
    Said(&'static str),
}

impl From<io::Error> for Why {
    fn from(error: io::Error) -> Self {
        match error
            .get_ref()
            .and_then(|cause| cause.downcast_ref::<rustls::Error>())
        {
            Some(tls) => Self::Tls(tls.clone()),
            // How a socket says that its time is over.
            None if error.kind() == io::ErrorKind::WouldBlock => Self::Io(io::ErrorKind::TimedOut),
            None => Self::Io(error.kind()),
        }
    }
}

/// Has reads and writes end with the time of the whole attempt.
pub(crate) fn limit(tcp: &TcpStream, until: Instant) -> Result<(), Why> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Why::Io(io::ErrorKind::TimedOut));
    }
    tcp.set_read_timeout(Some(left))?;
    tcp.set_write_timeout(Some(left))?;
    Ok(())
}

impl Wire {
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.sock,
        }
    }

    /// Whether the other side has neither said anything more nor closed.
    pub(crate) fn is_quiet(&self) -> bool {
        let tcp = self.tcp();
        let mut byte = [0];
        let quiet = tcp.set_nonblocking(true).is_ok()
            && tcp
                .peek(&mut byte)
                .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        quiet && tcp.set_nonblocking(false).is_ok()
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

pub(crate) struct Reader<'a> {
    pub(crate) wire: &'a mut Wire,
    pub(crate) until: Instant,
    pub(crate) buffer: Vec<u8>,
    pub(crate) answered: &'a mut bool,
    pub(crate) per_read: bool,
}

impl Reader<'_> {
    /// Reads more into the buffer.
    pub(crate) fn more(&mut self) -> Result<(), Why> {
        if !self.per_read {
            limit(self.wire.tcp(), self.until)?;
        }
        let mut piece = [0; 16 * 1024];
        let read = self.wire.read(&mut piece)?;
        if read == 0 {
            return Err(Why::Io(io::ErrorKind::UnexpectedEof));
        }
        *self.answered = true;
        self.buffer.extend_from_slice(&piece[..read]);
        Ok(())
    }

    pub(crate) fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(length);
        std::mem::replace(&mut self.buffer, rest)
    }

    pub(crate) fn head(&mut self, max: usize, in_one_read: bool) -> Result<Vec<u8>, Why> {
        let mut thrown_away = 0;
        loop {
            let end = self
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                return Ok(self.take(end + 4));
            }
            if self.buffer.len() + thrown_away > max {
                return Err(Why::Said("too long"));
            }
            if in_one_read && !self.buffer.is_empty() && self.buffer.len() < 4 {
                return Err(Why::Said("half a head"));
            }
            if self.buffer.len() > 1 << 16 {
                // Not kept, so that only the flood tells.
                thrown_away += self.take(1 << 16).len();
            }
            self.more()?;
        }
    }

    pub(crate) fn line(&mut self) -> Result<String, Why> {
        loop {
            let end = self.buffer.windows(2).position(|window| window == b"\r\n");
            if let Some(end) = end {
                let line = self.take(end + 2);
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            self.more()?;
        }
    }

    /// So many bytes, or fewer and why.
    #[allow(clippy::type_complexity)]
    pub(crate) fn exactly(&mut self, length: usize) -> Result<(Bytes, Result<(), Why>), Why> {
        while self.buffer.len() < length {
            if let Err(why) = self.more() {
                let half = std::mem::take(&mut self.buffer);
                return Ok((half.into(), Err(why)));
            }
        }
        Ok((self.take(length).into(), Ok(())))
    }

    pub(crate) fn until_closed(&mut self, max: usize) -> Result<Bytes, Why> {
        loop {
            match self.more() {
                Ok(()) if self.buffer.len() > max => return Err(Why::Said("too long")),
                Ok(()) => {}
                Err(Why::Io(io::ErrorKind::UnexpectedEof)) => {
                    return Ok(std::mem::take(&mut self.buffer).into());
                }
                Err(why) => return Err(why),
            }
        }
    }
}
