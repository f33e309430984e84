//! An echo server on Glommio: an executor per thread, each with a listener of its own at one address, and a
//! task per connection.
#![forbid(unsafe_code)]

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glommio::net::{TcpListener, TcpStream};
use glommio::{ExecutorJoinHandle, LocalExecutorBuilder, Placement};
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use tina_rivals::server;

fn main() -> Result<(), Box<dyn Error>> {
    let threads = server::threads()?;
    // Its listeners share a port (SO_REUSEPORT is what Glommio sets).
    let (listening, address) = mpsc::channel();
    let first = listening.clone();
    let mut executors = vec![start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), first)?];
    let bound = address.recv()??;
    for _ in 1..threads {
        executors.push(start(bound, listening.clone())?);
        address.recv()??;
    }
    server::announce(bound)?;
    server::end_with_input()?;
    for executor in executors {
        executor.join()?;
    }
    Ok(())
}

type Listening = mpsc::Sender<Result<SocketAddr, String>>;

/// Starts an executor that serves at an address, on whatever core it may use.
fn start(
    address: SocketAddr,
    listening: Listening,
) -> Result<ExecutorJoinHandle<()>, Box<dyn Error>> {
    let builder = LocalExecutorBuilder::new(Placement::Unbound).io_memory(1 << 20);
    Ok(builder.spawn(move || async move {
        let listener = match TcpListener::bind(address) {
            Ok(listener) => listener,
            Err(error) => return drop(listening.send(Err(error.to_string()))),
        };
        let bound = listener.local_addr().map_err(|error| error.to_string());
        drop(listening.send(bound));
        while let Ok(stream) = listener.accept().await {
            glommio::spawn_local(echo(stream)).detach();
        }
    })?)
}

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 4096];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..count]).await?;
    }
}
