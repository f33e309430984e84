//! An echo server on Tokio: a task per connection that reads into a buffer and writes it back.
#![forbid(unsafe_code)]

use std::error::Error;
use std::net::Ipv4Addr;
use tina_rivals::server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let threads = server::threads()?;
    let runtime = match threads {
        1 => Builder::new_current_thread().enable_io().build()?,
        _ => Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_io()
            .build()?,
    };
    server::end_with_input()?;
    runtime.block_on(async {
        // A task of its own: what `block_on` polls itself is no worker's.
        let served: Result<(), std::io::Error> = tokio::spawn(serve()).await?;
        Ok(served?)
    })
}

async fn serve() -> std::io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    server::announce(listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(echo(stream));
    }
}

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = vec![0; 4096];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..count]).await?;
    }
}
