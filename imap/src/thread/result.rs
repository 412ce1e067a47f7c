//! How threads are told: nested lists. RFC 5256 section 4

use common::stream::Stream;

use super::{Node, Threads};
use crate::error::Error;
use crate::response::Writer;

/// What is still to be written; a stack of its own, so that nesting costs none of the thread's.
enum Step {
    Open(Node),
    /// The message behind a number.
    Next(Node),
    Close,
}

/// `"THREAD" [SP 1*thread-list]`; `numbers` are those of the messages.
pub async fn write(threads: &Threads, numbers: &[u32], stream: &mut Stream) -> Result<(), Error> {
    Writer::new(stream).raw("* THREAD");
    if !threads.roots.is_empty() {
        Writer::new(stream).raw(" ");
    }
    for &root in &threads.roots {
        let mut stack = vec![Step::Open(root)];
        while let Some(step) = stack.pop() {
            write_step(step, threads, numbers, &mut stack, &mut Writer::new(stream));
            stream.flush_batch().await?;
        }
    }
    Writer::new(stream).crlf();
    Ok(())
}

/// `thread-list = "(" (thread-members / thread-nested) ")"`, `thread-members = nz-number *(SP nz-number) [SP thread-nested]`,
/// `thread-nested = 2*thread-list`
fn write_step(step: Step, threads: &Threads, numbers: &[u32], stack: &mut Vec<Step>, out: &mut Writer<'_>) {
    let node = match step {
        Step::Close => {
            out.raw(")");
            return;
        }
        Step::Open(node) => {
            out.raw("(");
            stack.push(Step::Close);
            node
        }
        Step::Next(node) => {
            out.raw(" ");
            node
        }
    };
    let number = numbers.get(node as usize);
    if let Some(number) = number {
        out.show(number);
    }
    match &threads.children[node as usize][..] {
        [] => {}
        [only] if number.is_some() => stack.push(Step::Next(*only)),
        several => {
            if number.is_some() {
                out.raw(" ");
            }
            stack.extend(several.iter().rev().map(|&child| Step::Open(child)));
        }
    }
}

#[cfg(test)]
pub fn text(threads: &Threads, numbers: &[u32]) -> String {
    let mut buffer = bytes::BytesMut::new();
    for &root in &threads.roots {
        let mut stack = vec![Step::Open(root)];
        while let Some(step) = stack.pop() {
            write_step(step, threads, numbers, &mut stack, &mut Writer::new(&mut buffer));
        }
    }
    String::from_utf8_lossy(&buffer).into_owned()
}
