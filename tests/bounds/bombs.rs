//! A server that answers everything with far too much.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// So large an answer is, at least.
pub(crate) const BYTES: usize = 200 * 1024 * 1024;

/// A server whose every answer is a bomb of another kind.
#[derive(Clone)]
pub(crate) struct Bombs {
    pub(crate) port: u16,
    answered: Arc<AtomicUsize>,
}

/// How one answer goes.
struct Bomb {
    head: &'static str,
    /// Sent over and over until there are [`BYTES`], or just once.
    piece: Vec<u8>,
    endless: bool,
}

impl Bombs {
    /// Listens on a free port of loopback, for as long as the runtime lives.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (answered, bombs) = (Arc::new(AtomicUsize::new(0)), Arc::new(bombs()));
        let count = Arc::clone(&answered);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&bombs), Arc::clone(&count)));
            }
        });
        Self { port, answered }
    }

    /// How many requests met one.
    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }
}

fn bombs() -> Vec<Bomb> {
    const COUNTED: &str = "content-length: 209715200";
    const CHUNKED: &str = "transfer-encoding: chunked";
    const ZIPPED: &str = "content-encoding: gzip";
    let mut chunk = format!("{:x}\r\n", 65_536).into_bytes();
    chunk.extend(vec![b' '; 65_536]);
    chunk.extend(b"\r\n");
    // Just below the limit on the wire, and by far the heaviest as objects.
    let heavy = |entry: &str, bytes: usize| format!("[{}0]", format!("{entry},").repeat(bytes / (entry.len() + 1)));
    let small = 8 * 1024 * 1024 - 64;
    vec![
        Bomb { head: COUNTED, piece: vec![b' '; 65_536], endless: true },
        Bomb { head: CHUNKED, piece: chunk, endless: true },
        Bomb { head: ZIPPED, piece: gzip(&vec![b' '; BYTES]), endless: false },
        Bomb { head: ZIPPED, piece: gzip(heavy("{\"a\":0}", small).as_bytes()), endless: false },
        Bomb { head: ZIPPED, piece: gzip(heavy("[[[]]]", small).as_bytes()), endless: false },
        Bomb { head: ZIPPED, piece: gzip("[".repeat(small).as_bytes()), endless: false },
    ]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("a vector takes what is written");
    encoder.finish().expect("a vector takes what is written")
}

async fn answer(mut stream: TcpStream, bombs: Arc<Vec<Bomb>>, count: Arc<AtomicUsize>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 65_536 {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let bomb = &bombs[count.fetch_add(1, Ordering::Relaxed) % bombs.len()];
    let mut length = format!("{}\r\n", bomb.head);
    if !bomb.endless {
        length.push_str(&format!("content-length: {}\r\n", bomb.piece.len()));
    }
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n{length}\r\n");
    if stream.write_all(head.as_bytes()).await.is_err() {
        return;
    }
    let times = if bomb.endless { BYTES / 65_536 } else { 1 };
    for _ in 0..times {
        // Whoever has had enough hangs up.
        if stream.write_all(&bomb.piece).await.is_err() {
            return;
        }
    }
    let _ = stream.shutdown().await;
}
