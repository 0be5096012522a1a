//! What becomes of an answer on the wire.

use std::{
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::{Shared, live::Live, socket::Control};
use crate::{Answer, Fate};

/// The connection ends without an answer, on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the connection ends here")]
pub(super) struct Ends;

/// A body that may end early or go on for long.
pub(super) struct WireBody {
    first: Bytes,
    then: Then,
}

enum Then {
    End,
    /// Once what was written is on its way, the connection ends.
    Break {
        promised: u64,
        flushed: bool,
    },
    Blanks(u64),
    /// Byte by byte, each after a pause.
    Drip(Pin<Box<Sleep>>, Duration),
    Live(Live),
}

/// Carries out an answer's fate.
pub(super) async fn send(
    answer: Answer,
    socket: &Control,
    shared: &Arc<Shared>,
) -> Result<Response<WireBody>, Ends> {
    let Answer { response, fate } = answer;
    let length = response.body().len() as u64;
    let then = match fate {
        Fate::Deliver => Then::End,
        Fate::Delay(time) => {
            sleep(time).await;
            Then::End
        }
        Fate::Hang => std::future::pending().await,
        Fate::Close => return Err(Ends),
        Fate::Reset => {
            socket.reset();
            return Err(Ends);
        }
        Fate::Cut(at) => {
            let then = Then::Break {
                promised: length,
                flushed: false,
            };
            return Ok(response.map(|body| WireBody {
                first: body.slice(..at.min(body.len())),
                then,
            }));
        }
        Fate::Dribble(pause) => Then::Drip(Box::pin(sleep(pause)), pause),
        Fate::Flood(total) => Then::Blanks(total.saturating_sub(length)),
        Fate::Live => Then::Live(Live::new(Arc::clone(shared))),
    };
    Ok(response.map(|first| WireBody { first, then }))
}

impl Body for WireBody {
    type Data = Bytes;
    type Error = Ends;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Ends>>> {
        static BLANKS: [u8; 16 * 1024] = [b' '; 16 * 1024];
        let this = &mut *self;
        if let Then::Drip(pause, each) = &mut this.then
            && !this.first.is_empty()
        {
            ready!(pause.as_mut().poll(cx));
            *pause = Box::pin(sleep(*each));
            return Poll::Ready(Some(Ok(Frame::data(this.first.split_to(1)))));
        }
        let first = std::mem::take(&mut self.first);
        if !first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        match &mut self.then {
            Then::End | Then::Blanks(0) | Then::Drip(..) => Poll::Ready(None),
            Then::Break { flushed, .. } if !*flushed => {
                *flushed = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Then::Break { .. } => Poll::Ready(Some(Err(Ends))),
            Then::Live(live) => live
                .poll_next(cx)
                .map(|events| Some(Ok(Frame::data(events)))),
            Then::Blanks(left) => {
                let count = BLANKS
                    .len()
                    .min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= count as u64;
                let blanks = BLANKS.get(..count).unwrap_or_default();
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(blanks)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && matches!(self.then, Then::End | Then::Blanks(0) | Then::Drip(..))
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.len() as u64;
        SizeHint::with_exact(match self.then {
            Then::End | Then::Drip(..) => first,
            Then::Break { promised, .. } => promised,
            Then::Blanks(left) => first + left,
            Then::Live(_) => return SizeHint::default(),
        })
    }
}
