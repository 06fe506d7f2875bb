//! `doorward lsp`: help for whoever writes policies in an editor, over standard input and output. What there is to
//! say is found by the engine; here the editor is understood and answered.
//!
//! One thread, one message after the other: a check of a bundle takes milliseconds, and nobody waits for one
//! while there is another message to read.

mod answers;
mod documents;
mod findings;
mod positions;
mod roots;
mod session;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{self, PathBuf};

use lsp_server::{Connection, ErrorCode, Message, Response};
use lsp_types::InitializeParams;
use lsp_types::notification::{self, Notification as _};

use self::roots::Roots;
use self::session::Session;
use super::{Exit, Failure};

const EXAMPLES: &str = "\
Examples:
  doorward lsp                                 what an editor starts, to talk to
  doorward lsp --policies /etc/doorward/policies
                                               where the policies lie, if the editor does not say

Exit code: 0 the editor ended it, 1 the editor went away without a word, 2 the editor cannot be understood";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The directory with policies and entity data; without it, that of each file is found by its place
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let policies = match &args.policies {
        Some(directory) => {
            Some(path::absolute(directory).map_err(|error| Failure::file(directory, &error))?)
        }
        None => None,
    };
    let (connection, threads) = Connection::stdio();
    let ended = serve(&connection, policies)?;
    // The thread that writes ends when nobody can send to it any more.
    drop(connection);
    threads.join().map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Output(error),
        _ => Failure::new(format!("the editor cannot be understood: {error}")),
    })?;
    Ok(ended)
}

/// Answers until the editor is gone.
fn serve(connection: &Connection, policies: Option<PathBuf>) -> Result<Exit, Failure> {
    let Some(mut session) = begin(connection, policies)? else {
        return Ok(Exit::No);
    };
    send(connection, session.wishes())?;
    loop {
        let Some(message) = next(connection, &mut session)? else {
            return Ok(Exit::No);
        };
        match message {
            Message::Notification(told) if told.method == notification::Exit::METHOD => {
                return Ok(if session.is_over() {
                    Exit::Yes
                } else {
                    Exit::No
                });
            }
            Message::Notification(told) => session.hear(told),
            Message::Request(asked) => send(connection, [session.answer(asked).into()])?,
            // We ask for nothing that we could not do without.
            Message::Response(_) => {}
        }
    }
}

/// The session that the editor asks for; none if it is gone before.
fn begin(connection: &Connection, policies: Option<PathBuf>) -> Result<Option<Session>, Failure> {
    let (id, params) = match connection.initialize_start() {
        Ok(begun) => begun,
        Err(error) if error.channel_is_disconnected() => return Ok(None),
        Err(error) => return Err(Failure::of(&error)),
    };
    let params: InitializeParams = match serde_json::from_value(params) {
        Ok(params) => params,
        Err(error) => {
            let code = ErrorCode::InvalidParams as i32;
            let response = Response::new_err(id, code, error.to_string());
            send(connection, [response.into()])?;
            return Err(Failure::of(&error));
        }
    };
    let (session, greeting) = Session::begin(&params, Roots::of(&params, policies));
    let greeting = serde_json::to_value(greeting).map_err(|error| Failure::of(&error))?;
    match connection.initialize_finish(id, greeting) {
        Ok(()) => Ok(Some(session)),
        Err(error) if error.channel_is_disconnected() => Ok(None),
        Err(error) => Err(Failure::of(&error)),
    }
}

/// The next message. While none is waiting, there is time to look at what has changed.
fn next(connection: &Connection, session: &mut Session) -> Result<Option<Message>, Failure> {
    if let Ok(message) = connection.receiver.try_recv() {
        return Ok(Some(message));
    }
    send(connection, session.settle())?;
    Ok(connection.receiver.recv().ok())
}

fn send(
    connection: &Connection,
    messages: impl IntoIterator<Item = Message>,
) -> Result<(), Failure> {
    for message in messages {
        connection
            .sender
            .send(message)
            .map_err(|_| Failure::Output(io::Error::from(io::ErrorKind::BrokenPipe)))?;
    }
    Ok(())
}
