//! Redirections: where a command's output goes, and what is read in place of its input.

use std::collections::BTreeMap;

use super::Shell;
use crate::adbd::files::{FileError, resolve};
use crate::adbd::output::Output;
use crate::adbd::stream::Disconnected;
use crate::adbd::syntax::{List, Redirect, Target};
use crate::adbd::terminal::{Channel, Console};

/// Where one of a command's two outputs goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    Channel(Channel),
    File(String),
    Nowhere,
}

/// Where both outputs go, and what is read, if it was redirected.
pub(super) type Ends = ([Destination; 2], Option<Vec<u8>>);

impl Shell {
    /// Opens the files of redirections, from left to right. Files are emptied even if nothing will be written.
    pub(super) async fn redirect<C: Console>(
        &mut self,
        redirects: &[Redirect],
        output: &mut Output,
        console: &mut C,
    ) -> Result<Result<Ends, String>, Disconnected> {
        let mut ends = [Destination::Channel(Channel::Out), Destination::Channel(Channel::Err)];
        let mut input = None;
        for redirect in redirects {
            let (word, append) = match &redirect.to {
                Target::Same(from) => {
                    ends[usize::from(redirect.from.max(1) - 1)] = ends[usize::from(from - 1)].clone();
                    continue;
                }
                Target::Read(word) => (word, None),
                Target::Write(word) => (word, Some(false)),
                Target::Append(word) => (word, Some(true)),
            };
            let mut words = Vec::new();
            self.expand(word, &mut words, output, console).await?;
            let [name] = &words[..] else { return Ok(Err("ambiguous redirect".to_owned())) };
            let path = resolve(&self.scope.folder, name);
            let opened = match append {
                None if path == "/dev/null" => {
                    input = Some(Vec::new());
                    Ok(())
                }
                None => self.device.handle.files().read(&path).map(|bytes| input = Some(bytes.to_vec())),
                Some(_) if path == "/dev/null" => {
                    ends[usize::from(redirect.from.max(1) - 1)] = Destination::Nowhere;
                    Ok(())
                }
                Some(append) => {
                    let now = self.device.handle.now();
                    let mut files = self.device.handle.files();
                    let there = files.read(&path);
                    let opened = match there {
                        Ok(_) if append => Ok(()),
                        Err(FileError::IsAFolder) => Err(FileError::IsAFolder),
                        _ => files.write(&path, Vec::new(), now),
                    };
                    ends[usize::from(redirect.from.max(1) - 1)] = Destination::File(path.clone());
                    opened
                }
            };
            if let Err(why) = opened {
                let verb = if append.is_some() { "create" } else { "open" };
                return Ok(Err(format!("can't {verb} {name}: {why}")));
            }
        }
        Ok(Ok((ends, input)))
    }

    /// Sends what was printed where the redirections say.
    pub(super) fn deliver(&mut self, mut printed: Output, ends: &[Destination; 2], output: &mut Output) {
        let (pieces, cut) = printed.take();
        if cut {
            let max = self.device.options.limits.output_max;
            self.complain(output, &format!("the output was cut off at {max} bytes"));
        }
        let mut files: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for (channel, bytes) in pieces {
            match &ends[usize::from(channel == Channel::Err)] {
                Destination::Channel(to) => output.put_owned(*to, bytes),
                Destination::Nowhere => {}
                Destination::File(path) => files.entry(path).or_default().extend_from_slice(&bytes),
            }
        }
        for (path, more) in files {
            let now = self.device.handle.now();
            let written = {
                let mut storage = self.device.handle.files();
                let mut whole = storage.read(path).map(|bytes| bytes.to_vec()).unwrap_or_default();
                whole.extend_from_slice(&more);
                storage.write(path, whole, now)
            };
            if let Err(why) = written {
                self.complain(output, &format!("{path}: {why}"));
                self.status = 1;
            }
        }
    }
}

/// Whether nothing of what a list prints comes back to the shell that runs it.
pub(super) fn is_silent(list: &List) -> bool {
    let Some((_, pipeline)) = list.0.last() else { return false };
    let Some(stage) = pipeline.stages.last() else { return false };
    let goes_away = |channel: u8| {
        stage.redirects.iter().any(|redirect| match redirect.to {
            Target::Write(_) | Target::Append(_) => redirect.from == channel,
            Target::Same(_) | Target::Read(_) => false,
        })
    };
    let together = stage.redirects.iter().any(|redirect| redirect.from == 2 && redirect.to == Target::Same(1));
    list.0.len() == 1 && pipeline.stages.len() == 1 && goes_away(1) && (goes_away(2) || together)
}
