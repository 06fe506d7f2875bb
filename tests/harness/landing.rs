//! The redirect page of a client on this machine, where a real browser arrives with its answer. What
//! the answer is worth is left to the client.

use std::io;

use reqwest::Url;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::answer::{Answer, Mode};
use super::wait::PATIENCE;

/// The path of the page.
const PATH: &str = "/callback";

/// The page. The empty icon keeps the browser from asking for one.
const PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\"><title>Back</title>\
                    <link rel=\"icon\" href=\"data:,\"><p>Back at the application.</p></html>\n";

/// The page, and what has arrived at it.
#[derive(Debug)]
pub struct Landing {
    redirect_uri: &'static str,
    answers: UnboundedReceiver<Answer>,
    server: JoinHandle<()>,
}

impl Landing {
    /// Opens the page at a port of its own.
    pub async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("bound");
        // Clients of the tests are constants: this one lives as long as the tests run.
        let redirect_uri: &'static str = String::leak(format!("http://{address}{PATH}"));
        let (sender, answers) = unbounded_channel();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, redirect_uri, sender.clone()));
            }
        });
        Self {
            redirect_uri,
            answers,
            server,
        }
    }

    /// Its URL.
    pub fn redirect_uri(&self) -> &'static str {
        self.redirect_uri
    }

    /// The next answer, if one comes in time.
    pub(crate) async fn received(&mut self) -> Option<Answer> {
        timeout(PATIENCE, self.answers.recv()).await.ok().flatten()
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Answers one request: browsers may open connections on which none comes.
async fn serve(
    stream: TcpStream,
    redirect_uri: &str,
    answers: UnboundedSender<Answer>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    stream.read_line(&mut request).await?;
    let mut length: usize = 0;
    loop {
        let mut header = String::new();
        if stream.read_line(&mut header).await? <= "\r\n".len() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    if let Some(answer) = understood(redirect_uri, &request, &String::from_utf8_lossy(&body)) {
        // A test that is over waits for none.
        let _ = answers.send(answer);
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        PAGE.len()
    );
    stream.write_all((head + PAGE).as_bytes()).await?;
    stream.shutdown().await
}

/// The answer in a request, where it is one to this page.
fn understood(redirect_uri: &str, request: &str, body: &str) -> Option<Answer> {
    let mut words = request.split(' ');
    let method = words.next()?;
    let rest = words.next()?.strip_prefix(PATH)?;
    let (mode, parameters) = match method {
        "POST" => (Mode::FormPost, body),
        _ => (Mode::Query, rest.strip_prefix('?')?),
    };
    let url = Url::parse(&format!("{redirect_uri}?{parameters}")).ok()?;
    Some(Answer {
        mode,
        ..Answer::in_redirect(&url)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "http://127.0.0.1:8080/callback";

    #[test]
    fn an_answer_is_read_from_a_query_or_a_form() {
        let query = understood(HERE, "GET /callback?code=a%20b&state=c HTTP/1.1\r\n", "");
        let query = query.expect("an answer");
        assert_eq!(query.mode, Mode::Query);
        assert_eq!(query.redirect_uri, HERE);
        assert_eq!(query.code(), "a b");

        let form = understood(HERE, "POST /callback HTTP/1.1\r\n", "code=a+b&state=c");
        let form = form.expect("an answer");
        assert_eq!(form.mode, Mode::FormPost);
        assert_eq!(form.get("state"), Some("c"));
        assert_eq!(form.code(), "a b");
    }

    #[test]
    fn what_browsers_ask_for_besides_is_no_answer() {
        for request in [
            "GET /favicon.ico HTTP/1.1\r\n",
            "GET /callback HTTP/1.1\r\n",
            "",
        ] {
            assert_eq!(understood(HERE, request, ""), None, "{request}");
        }
    }
}
