//! Servers over HTTP that are slow, wrong or hostile, on a socket.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use url::Url;

use super::super::{objects, turborepo};
use super::*;

/// The longest that nothing may come, in these tests.
const SILENCE: Duration = Duration::from_millis(300);
/// What none of them may take: each request and each further try has its own silence.
const BOUND: Duration = Duration::from_secs(8);

/// Answers each request on a connection of its own, which is handed over with the head that came.
struct Host {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Host {
    fn new(answer: impl Fn(&mut TcpStream, &str) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, heads) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (asked, answer) = (Arc::clone(&heads), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, asked, answer) = (stream.unwrap(), Arc::clone(&asked), Arc::clone(&answer));
                thread::spawn(move || {
                    let head = head(&mut stream);
                    asked.lock().unwrap().push(head.clone());
                    // Whoever asked may have gone.
                    let _ = answer(&mut stream, &head);
                });
            }
        });
        Self { address, heads }
    }

    /// The same host by each protocol.
    fn remotes(&self) -> Vec<(&'static str, RemoteCache)> {
        let place = format!("http://{}", self.address);
        let secrets = |name: &str| match name {
            "AWS_ENDPOINT_URL" => Some(place.clone()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" | "KNOCKON_REMOTE_TOKEN" => Some("secret".to_owned()),
            _ => None,
        };
        let both = || trust(&[Namespace::Local], Some(Namespace::Local));
        let packed = Url::parse(&format!("turborepo+{place}/")).unwrap();
        let packed = turborepo::open(&packed, &secrets, SILENCE).unwrap();
        let store = objects::open(&Url::parse("s3://bucket").unwrap(), &secrets, SILENCE).unwrap();
        vec![
            ("turborepo", RemoteCache::new(Box::new(packed), both())),
            ("s3", RemoteCache::new(Box::new(store), both())),
        ]
    }
}

/// The head of a request, byte by byte, so that nothing of its body is taken.
fn head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// An answer with a body of this length, as an object store begins it.
fn found(length: u64, more: &str) -> String {
    let dated = "ETag: \"1\"\r\nLast-Modified: Tue, 24 Nov 2026 08:00:00 GMT\r\n";
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{dated}{more}\r\n")
}

fn refused(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")
}

/// How the body of Turborepo's protocol begins: with a manifest of this length.
fn packed(manifest: u64) -> Vec<u8> {
    [&b"knockon packed 1"[..], &manifest.to_le_bytes()].concat()
}

/// Keeps a connection open without a word for longer than anybody may wait.
fn rest() {
    thread::sleep(BOUND * 2);
}

/// Sends the same until nobody takes it any more, with a pause after each.
fn forever(stream: &mut TcpStream, bytes: &[u8], pause: Duration) -> io::Result<()> {
    loop {
        stream.write_all(bytes)?;
        thread::sleep(pause);
    }
}

/// Asks a host by each protocol, and says what was told of it. Nothing is found, in time.
fn asked(case: &str, host: &Host) -> Vec<String> {
    let fetch = |(protocol, remote): (&str, RemoteCache)| {
        let (place, begun) = (Place::new(), Instant::now());
        assert_eq!(place.fetch(&remote), None, "{case}, {protocol}");
        assert!(begun.elapsed() < BOUND, "{case}, {protocol}: {:?}", begun.elapsed());
        assert_eq!(place.restored(), None, "{case}, {protocol}");
        remote.told().join("; ")
    };
    host.remotes().into_iter().map(fetch).collect()
}

#[test]
fn fault_8_a_host_that_is_slow_or_silent_costs_a_bounded_time() {
    type Answer = fn(&mut TcpStream) -> io::Result<()>;
    let cases: [(&str, Answer); 6] = [
        ("never answers", |_| {
            rest();
            Ok(())
        }),
        ("a head that comes a byte at a time", |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nX: ")?;
            forever(stream, b"a", SILENCE / 10)
        }),
        ("stops in the head", |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-")?;
            rest();
            Ok(())
        }),
        ("stops in the body", |stream| {
            stream.write_all(found(100_000, "").as_bytes())?;
            stream.write_all(&packed(50_000))?;
            rest();
            Ok(())
        }),
        ("a body that comes a byte at a time", |stream| {
            stream.write_all(found(100_000, "").as_bytes())?;
            stream.write_all(&packed(50_000))?;
            forever(stream, b"a", SILENCE / 10)
        }),
        ("a head without end", |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            forever(stream, &[&b"X: "[..], &[b'a'; 4096], b"\r\n"].concat(), Duration::ZERO)
        }),
    ];
    thread::scope(|scope| {
        for (case, answer) in cases {
            scope.spawn(move || {
                let told = asked(case, &Host::new(move |stream, _| answer(stream)));
                assert!(told.iter().all(|told| !told.is_empty()), "{case}: {told:?}");
            });
        }
    });
}

#[test]
fn fault_8_whatever_a_host_answers_is_a_miss() {
    let page = "<html>Please sign in</html>";
    let zipped = "Content-Encoding: gzip\r\n";
    let answers: [(&str, Vec<u8>); 12] = [
        ("no HTTP", b"SSH-2.0-none\r\n".to_vec()),
        ("nothing", Vec::new()),
        ("closes early", [found(1000, "").into_bytes(), packed(500)].concat()),
        ("a page", [&found(page.len() as u64, "Content-Type: text/html\r\n"), page].concat().into_bytes()),
        // Whoever unpacked this would have other bytes, or very many.
        ("packed bytes", [found(524, zipped).into_bytes(), packed(500), vec![0x1f; 500]].concat()),
        ("a wrong manifest", [found(524, "").into_bytes(), packed(500), vec![7; 500]].concat()),
        ("a manifest without end", [found(u64::MAX / 2, "").into_bytes(), packed(u64::MAX / 2)].concat()),
        ("nobody", refused("401 Unauthorized").into_bytes()),
        ("refused", refused("403 Forbidden").into_bytes()),
        ("too many", refused("429 Too Many Requests").into_bytes()),
        ("broken", refused("500 Internal Server Error").into_bytes()),
        ("busy", refused("503 Service Unavailable").into_bytes()),
    ];
    thread::scope(|scope| {
        for (case, answer) in answers {
            scope.spawn(move || {
                let told = asked(case, &Host::new(move |stream, _| stream.write_all(&answer)));
                assert!(told.iter().all(|told| !told.is_empty()), "{case}: {told:?}");
                assert!(!told.iter().any(|told| told.contains("secret")), "{case}: {told:?}");
            });
        }
    });
    let missed = Host::new(|stream, _| stream.write_all(refused("404 Not Found").as_bytes()));
    assert_eq!(asked("a miss", &missed), ["", ""]);
}

#[test]
fn fault_9_nobody_is_followed_to_another_host() {
    let other = Host::new(|stream, _| stream.write_all(refused("404 Not Found").as_bytes()));
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let to = format!("HTTP/1.1 {status}\r\nLocation: http://{}/x\r\nContent-Length: 0\r\n\r\n", other.address);
        asked(status, &Host::new(move |stream, _| stream.write_all(to.as_bytes())));
    }
    assert_eq!(*other.heads.lock().unwrap(), Vec::<String>::new());
}

/// What is sent, more than sockets hold.
fn much() -> Place {
    let place = Place::new();
    place.make(&"0123456789abcdef".repeat(1 << 18));
    place
}

#[test]
fn fault_8_a_host_that_takes_nothing_is_not_waited_for() {
    let host = Host::new(|stream, head| {
        if head.starts_with("PUT") {
            rest();
        }
        stream.write_all(refused("404 Not Found").as_bytes())
    });
    let place = much();
    for (protocol, remote) in host.remotes() {
        let begun = Instant::now();
        assert_eq!(remote.send(&place.cache, &KEY), None, "{protocol}");
        assert!(begun.elapsed() < BOUND, "{protocol}: {:?}", begun.elapsed());
        assert!(!remote.told().is_empty(), "{protocol}");
    }
    assert_eq!(place.restored().map(|text| text.len()), Some(16 << 18));
}

#[test]
fn who_takes_it_slowly_but_steadily_gets_it() {
    let host = Host::new(|stream, head| {
        if !head.starts_with("PUT") {
            return stream.write_all(refused("404 Not Found").as_bytes());
        }
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let (mut left, mut piece): (usize, _) = (length.unwrap_or(0), [0; 64 * 1024]);
        while left > 0 {
            left -= stream.read(&mut piece[..left.min(64 * 1024)])?;
            thread::sleep(Duration::from_millis(10));
        }
        stream.write_all(found(0, "").as_bytes())
    });
    let place = much();
    for (protocol, remote) in host.remotes() {
        assert_eq!(remote.send(&place.cache, &KEY), Some(Kept::Stored), "{protocol}: {:?}", remote.told());
    }
}
