//! Files: opened, measured, and sent by the kernel without a copy through this process.

use super::{Connection, Over, Phase, Step};
use crate::response::Response;
use crate::status::Status;
use tina_engine::io::{Descriptor, Errno, Operation, Outcome, Part};
use tina_engine::runtime::{Context, IoEvent};

/// How far the sending of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileStage {
    Opening,
    Measuring(Descriptor),
    /// Its head is written; so many bytes follow.
    Ready(Descriptor, u64),
    Sending(Descriptor, u64),
}

impl Connection {
    /// Opens the file whose path is in the output buffer, of which nothing else is used.
    pub(super) fn open_file(
        &mut self,
        path_bytes: usize,
        context: &mut Context<'_, Self>,
    ) -> Result<(), Over> {
        let mut io = context.io();
        let (buffer, written) = self.output.open(&mut io)?;
        assert!(written == 0, "what was written before has been sent");
        let how = tina_engine::io::OpenHow {
            read: true,
            at_once: true,
            ..Default::default()
        };
        let path = Part::first(buffer, path_bytes as u32);
        io.submit(Operation::Open { path, how })?;
        self.output.lend(true);
        Ok(())
    }

    /// An operation on the file has ended.
    pub(super) fn file_event(
        &mut self,
        event: &IoEvent,
        context: &mut Context<'_, Self>,
    ) -> Result<(), Over> {
        let Phase::File {
            stage,
            content_type,
        } = self.phase
        else {
            return Ok(());
        };
        let stage = match (stage, event.result) {
            (FileStage::Opening, result) => {
                self.output.lend(false);
                match result {
                    Ok(Outcome::Opened(file)) => {
                        context.io().submit(Operation::Size { file })?;
                        FileStage::Measuring(file)
                    }
                    Ok(_) | Err(_) => {
                        let status = result.err().map_or(Status::INTERNAL_SERVER_ERROR, refusal);
                        self.phase = Phase::Refusing(status);
                        return Ok(());
                    }
                }
            }
            (FileStage::Measuring(file), Ok(Outcome::Size(length))) => {
                let mut io = context.io();
                let (buffer, written) = self.output.open(&mut io)?;
                let out = &mut io.bytes_mut(buffer)?[written..];
                self.rules.keep_alive &= !self.is_stopping;
                let mut response =
                    Response::new(out, self.rules).header("content-type", content_type);
                response.sized(length);
                let sent = response.sent(None);
                self.output.wrote(sent.length);
                self.counters().count_response(sent.status);
                let length = if self.rules.is_head { 0 } else { length };
                FileStage::Ready(file, length)
            }
            (FileStage::Measuring(file), Err(errno)) => {
                context.io().close(file)?;
                self.phase = Phase::Refusing(refusal(errno));
                return Ok(());
            }
            (FileStage::Sending(file, length), Ok(Outcome::Moved(moved))) if moved == length => {
                context.io().close(file)?;
                self.finish();
                return Ok(());
            }
            // The file has become shorter, or the peer has gone away: neither can be told from here.
            _ => return Err(Over::Done),
        };
        self.phase = Phase::File {
            stage,
            content_type,
        };
        Ok(())
    }

    pub(super) fn send_file(&mut self, context: &mut Context<'_, Self>) -> Result<Step, Over> {
        let Phase::File { stage, .. } = &mut self.phase else {
            return Ok(Step::Again);
        };
        let FileStage::Ready(file, length) = *stage else {
            return Ok(Step::Rest);
        };
        if self.output.length() > 0 {
            return Ok(Step::Flush);
        }
        if length == 0 {
            context.io().close(file)?;
            self.finish();
            return Ok(Step::Again);
        }
        let Some(socket) = self.socket else {
            return Err(Over::Done);
        };
        *stage = FileStage::Sending(file, length);
        context.io().submit(Operation::SendFile {
            socket,
            file,
            at: 0,
            length,
        })?;
        // Whoever takes a long file slowly takes long: a byte in each send time is not demanded of the
        // kernel, which moves all of it by itself.
        self.alarm.due = Some(context.now() + self.site.limits.file);
        Ok(Step::Rest)
    }
}

/// Why a file is not sent, as a status.
fn refusal(errno: Errno) -> Status {
    match errno {
        Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG => Status::NOT_FOUND,
        // A directory, a pipe, a socket.
        Errno::EISDIR | Errno::ESPIPE | Errno::ENXIO => Status::NOT_FOUND,
        Errno::EACCES => Status::FORBIDDEN,
        _ => Status::INTERNAL_SERVER_ERROR,
    }
}

/// The type of a file by the end of its name.
pub(crate) fn content_type(path: &str) -> &'static str {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "txt" | "md" | "ron" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

/// Whether a path from a request leads to nowhere but below a directory: no hidden names, no way up, no
/// second spelling.
pub(crate) fn is_below(path: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && !name.starts_with('.');
    !path.contains(['%', '\\']) && path.split('/').all(is_name)
}
