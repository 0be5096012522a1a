use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::Duration,
};

use rustls::{ServerConnection, StreamOwned};

use super::{Arrived, Reply, Script, Shared};

const FLOOD: usize = 128 * 1024 * 1024;
const MAX_HEAD: usize = 1024 * 1024;

pub(super) trait Wire: Read + Write {
    fn tcp(&self) -> &TcpStream;

    /// Tells the other side that nothing more comes.
    fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        self.tcp().shutdown(Shutdown::Write)
    }
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for StreamOwned<ServerConnection, TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()?;
        self.tcp().shutdown(Shutdown::Write)
    }
}

pub(super) fn serve(mut wire: impl Wire, shared: &Shared, script: &Script) -> io::Result<()> {
    loop {
        let arrived = receive(&mut wire, shared)?;
        match script(&arrived) {
            Reply::Keep(answer) => write(&mut wire, &answer)?,
            Reply::Dribble(answer, pause) => {
                for byte in answer {
                    thread::sleep(pause);
                    write(&mut wire, &[byte])?;
                }
            }
            Reply::Late(delay, answer) => {
                thread::sleep(delay);
                write(&mut wire, &answer)?;
            }
            Reply::Linger(answer, time) => {
                write(&mut wire, &answer)?;
                wire.tcp().set_read_timeout(Some(time))?;
                let _ = receive(&mut wire, shared);
                return wire.finish();
            }
            Reply::Close(answer) => {
                write(&mut wire, &answer)?;
                wire.finish()?;
                return drain(&mut wire);
            }
            Reply::Flood(answer, more) => {
                write(&mut wire, &answer)?;
                let piece = more.repeat(65_536 / more.len().max(1));
                for _ in 0..FLOOD / piece.len().max(1) {
                    write(&mut wire, &piece)?;
                    shared.note(|seen| seen.written += piece.len());
                }
                return wire.finish();
            }
            Reply::Reset(answer) => {
                write(&mut wire, &answer)?;
                if !answer.is_empty() {
                    // Let it arrive: a reset takes away what is on the way.
                    thread::sleep(Duration::from_millis(50));
                }
                return socket2::SockRef::from(wire.tcp()).set_linger(Some(Duration::ZERO));
            }
            Reply::Hang(answer) => {
                write(&mut wire, &answer)?;
                return drain(&mut wire);
            }
        }
    }
}

/// Answers the first bytes, whatever they are, and closes.
pub(super) fn raw(mut stream: TcpStream, shared: &Shared, answer: &[u8]) -> io::Result<()> {
    byte(&mut stream)?;
    shared.note(|seen| seen.begun += 1);
    write(&mut stream, answer)?;
    stream.finish()?;
    drain(&mut stream)
}

fn write(wire: &mut impl Wire, bytes: &[u8]) -> io::Result<()> {
    wire.write_all(bytes)?;
    wire.flush()
}

/// Reads until the other side closes.
fn drain(wire: &mut impl Wire) -> io::Result<()> {
    io::copy(wire, &mut io::sink()).map(drop)
}

fn receive(wire: &mut impl Wire, shared: &Shared) -> io::Result<Arrived> {
    let mut head = vec![byte(wire)?];
    shared.note(|seen| seen.begun += 1);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > MAX_HEAD {
            return Err(io::Error::other("the request's head does not end"));
        }
        head.push(byte(wire)?);
    }
    let mut arrived = Arrived {
        head,
        body: Vec::new(),
    };
    if let Some(length) = arrived.values("content-length").first() {
        let length = number(length, 10)?;
        wire.take(length).read_to_end(&mut arrived.body)?;
        if arrived.body.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    } else if arrived
        .values("transfer-encoding")
        .first()
        .map(Vec::as_slice)
        == Some(b"chunked")
    {
        read_chunks(wire, &mut arrived.body)?;
    }
    shared.note(|seen| seen.requests.push(arrived.clone()));
    Ok(arrived)
}

fn read_chunks(wire: &mut impl Wire, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let length = number(&line(wire)?, 16)?;
        wire.take(length).read_to_end(body)?;
        line(wire)?;
        if length == 0 {
            return Ok(());
        }
    }
}

fn line(wire: &mut impl Wire) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        line.push(byte(wire)?);
    }
    Ok(line)
}

fn number(text: &[u8], radix: u32) -> io::Result<u64> {
    let text = String::from_utf8_lossy(text);
    u64::from_str_radix(text.trim(), radix).map_err(io::Error::other)
}

fn byte(wire: &mut impl Wire) -> io::Result<u8> {
    let mut byte = [0];
    wire.read_exact(&mut byte)?;
    Ok(byte[0])
}
