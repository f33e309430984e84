//! An HTTP/1.1 server on hyper and Tokio: one small response for every request.
#![forbid(unsafe_code)]

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::error::Error;
use std::net::Ipv4Addr;
use tina_rivals::server;
use tokio::net::TcpListener;
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
        // No limit on the time of a head: that would need a timer, which costs.
        let mut builder = http1::Builder::new();
        builder.pipeline_flush(true);
        tokio::spawn(builder.serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = match request.uri().path() {
        "/hello" => Response::new(Full::new(Bytes::from_static(b"Hello, World!"))),
        _ => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}
