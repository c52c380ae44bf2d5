//! The clipboard, and the selection that terminals paste from. Whoever puts something there keeps it and hands it out itself, so a thread
//! does nothing else.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, TryRecvError};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::oneshot;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, Property, SELECTION_NOTIFY_EVENT,
    SelectionNotifyEvent, SelectionRequestEvent, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::atoms::Atoms;
use super::server::{Entrance, Fault, connection};

/// No text that is put there is longer, in bytes: it is handed out in one piece.
pub(crate) const TEXT_MAX: usize = 200_000;
/// No more bytes are read.
const READ_MAX: usize = 1 << 20;

/// What the thread is asked for.
enum Command {
    Write(String, oneshot::Sender<Result<(), Fault>>),
    /// It is answered as soon as another program has got what was put there last, with how often that was.
    Await(oneshot::Sender<u32>),
    /// Nothing is there any more.
    Clear(oneshot::Sender<()>),
    /// What is answered is `None` if there is no text.
    Read(oneshot::Sender<Option<String>>),
}

/// Which of the places where a text can lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Selection {
    Clipboard,
    /// What was marked last: Shift and Insert paste it into a terminal.
    Primary,
}

/// The way to the thread, which ends when this is dropped.
pub(crate) struct Clipboard {
    commands: mpsc::SyncSender<Command>,
    wake: UnixStream,
}

/// What the thread has.
struct Keeper {
    x: RustConnection,
    atoms: Atoms,
    window: Window,
    selection: u32,
    /// What was put there, for as long as nobody else has put something there.
    own: Option<String>,
    /// How often other programs have got that.
    taken: u32,
    awaits: Option<oneshot::Sender<u32>>,
    reading: Option<Reading>,
}

/// Somebody who waits for what another program has put there.
struct Reading {
    answer: oneshot::Sender<Option<String>>,
    /// What has come so far, if it comes in pieces.
    pieces: Option<Vec<u8>>,
    /// Whether the older kind of text was asked for.
    is_latin: bool,
}

impl Clipboard {
    /// Connects. This blocks.
    pub fn open(entrance: &Entrance, selection: Selection) -> Result<Clipboard, Fault> {
        let (x, screen) = connection(entrance)?;
        let atoms = Atoms::new(&x)?.reply()?;
        let (window, root) = (x.generate_id()?, x.setup().roots[screen].root);
        let aux = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        x.create_window(0, window, root, -1, -1, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &aux)?;
        x.flush()?;
        let (commands, waiting) = mpsc::sync_channel(16);
        let refused = |error: std::io::Error| Fault::refused(format!("the clipboard cannot be kept: {error}"));
        let (wake, woken) = UnixStream::pair().map_err(refused)?;
        wake.set_nonblocking(true).and_then(|()| woken.set_nonblocking(true)).map_err(refused)?;
        let selection = match selection {
            Selection::Clipboard => atoms.CLIPBOARD,
            Selection::Primary => AtomEnum::PRIMARY.into(),
        };
        let mut keeper = Keeper { x, atoms, window, selection, own: None, taken: 0, awaits: None, reading: None };
        let run = move || {
            if let Err(fault) = keeper.run(&waiting, woken) {
                tracing::debug!(kind = %fault.0, "the clipboard is kept no longer");
            }
        };
        thread::Builder::new().name("clipboard".to_owned()).spawn(run).map_err(refused)?;
        Ok(Clipboard { commands, wake })
    }

    fn send(&mut self, command: Command) -> bool {
        let is_sent = self.commands.try_send(command).is_ok();
        drop(self.wake.write(&[1])); // A pipe that is full wakes as well.
        is_sent
    }

    /// Puts a text there; whether it was taken.
    pub async fn write(&mut self, text: String) -> Result<(), Fault> {
        let (answer, answered) = oneshot::channel();
        let gone = || Fault::refused("the clipboard cannot be had now");
        if !self.send(Command::Write(text, answer)) {
            return Err(gone());
        }
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Waits until another program has got the text that was put there last, and says how often that was by now; `None` if the thread is
    /// not there to tell.
    pub async fn taken(&mut self) -> Option<u32> {
        let (answer, answered) = oneshot::channel();
        if !self.send(Command::Await(answer)) {
            return None;
        }
        answered.await.ok()
    }

    /// Takes away what was put there.
    pub async fn clear(&mut self) {
        let (answer, answered) = oneshot::channel();
        if self.send(Command::Clear(answer)) {
            // Nothing is there either if the thread is gone.
            drop(answered.await);
        }
    }

    /// The text that is there.
    pub async fn read(&mut self) -> Result<Option<String>, Fault> {
        let (answer, answered) = oneshot::channel();
        let gone = || Fault::refused("the clipboard cannot be had now");
        if !self.send(Command::Read(answer)) {
            return Err(gone());
        }
        answered.await.map_err(|_| gone())
    }
}

impl Keeper {
    fn run(&mut self, commands: &mpsc::Receiver<Command>, mut woken: UnixStream) -> Result<(), Fault> {
        loop {
            loop {
                match commands.try_recv() {
                    Ok(Command::Write(text, answer)) => drop(answer.send(self.write(text))),
                    Ok(Command::Await(answer)) if self.taken > 0 => answer.send(self.taken).unwrap_or_default(),
                    Ok(Command::Await(answer)) => self.awaits = Some(answer),
                    Ok(Command::Clear(answer)) => {
                        self.clear()?;
                        let _ = answer.send(());
                    }
                    Ok(Command::Read(answer)) => self.read(answer)?,
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            // After the commands: an answer to one may have brought events along, for which the connection would not wake anybody.
            while let Some(event) = self.x.poll_for_event()? {
                self.on(&event)?;
            }
            self.x.flush()?;
            let mut either = [PollFd::new(self.x.stream(), PollFlags::IN), PollFd::new(&woken, PollFlags::IN)];
            // An interrupted wait is only a shorter one.
            let _ = poll(&mut either, None);
            while woken.read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
        }
    }

    fn write(&mut self, text: String) -> Result<(), Fault> {
        self.x.set_selection_owner(self.window, self.selection, x11rb::CURRENT_TIME)?;
        if !self.is_owner()? {
            return Err(Fault::refused("another program keeps the clipboard"));
        }
        (self.own, self.taken) = (Some(text), 0);
        Ok(())
    }

    fn is_owner(&self) -> Result<bool, Fault> {
        Ok(self.x.get_selection_owner(self.selection)?.reply()?.owner == self.window)
    }

    fn clear(&mut self) -> Result<(), Fault> {
        if self.own.take().is_some() {
            self.x.set_selection_owner(x11rb::NONE, self.selection, x11rb::CURRENT_TIME)?;
        }
        Ok(())
    }

    fn read(&mut self, answer: oneshot::Sender<Option<String>>) -> Result<(), Fault> {
        if let Some(own) = &self.own {
            drop(answer.send(Some(own.clone())));
            return Ok(());
        }
        if self.x.get_selection_owner(self.selection)?.reply()?.owner == x11rb::NONE {
            drop(answer.send(None));
            return Ok(());
        }
        self.reading = Some(Reading { answer, pieces: None, is_latin: false });
        self.ask_for(self.atoms.UTF8_STRING)
    }

    fn ask_for(&self, kind: u32) -> Result<(), Fault> {
        let Atoms { TAPWRIGHT_SELECTION, .. } = self.atoms;
        self.x.convert_selection(self.window, self.selection, kind, TAPWRIGHT_SELECTION, x11rb::CURRENT_TIME)?;
        Ok(())
    }

    fn on(&mut self, event: &Event) -> Result<(), Fault> {
        match event {
            // One that comes late is about an earlier text, which was taken away before the next one was put there.
            Event::SelectionClear(event) if event.selection == self.selection && !self.is_owner()? => self.own = None,
            Event::SelectionRequest(request) => self.hand_out(request)?,
            Event::SelectionNotify(event) if event.requestor == self.window => self.take(event.property)?,
            Event::PropertyNotify(event)
                if event.atom == self.atoms.TAPWRIGHT_SELECTION && event.state == Property::NEW_VALUE =>
            {
                self.take_piece()?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Gives another program what was put there, in the form that it wants.
    fn hand_out(&mut self, request: &SelectionRequestEvent) -> Result<(), Fault> {
        let atoms = &self.atoms;
        let texts =
            [atoms.UTF8_STRING, atoms.TEXT_PLAIN_UTF8, atoms.TEXT_PLAIN, atoms.TEXT, u32::from(AtomEnum::STRING)];
        // Old programs name no property.
        let property = if request.property == x11rb::NONE { request.target } else { request.property };
        let mut given = property;
        match &self.own {
            Some(_) if request.target == atoms.TARGETS => {
                let all: Vec<u32> = texts.iter().copied().chain([atoms.TARGETS]).collect();
                self.x.change_property32(PropMode::REPLACE, request.requestor, property, AtomEnum::ATOM, &all)?;
            }
            Some(text) if request.target == u32::from(AtomEnum::STRING) => {
                // That kind of text has no other characters.
                let latin: Vec<u8> = text.chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect();
                self.x.change_property8(PropMode::REPLACE, request.requestor, property, AtomEnum::STRING, &latin)?;
            }
            Some(text) if texts.contains(&request.target) => {
                let kind = if request.target == atoms.TEXT { atoms.UTF8_STRING } else { request.target };
                self.x.change_property8(PropMode::REPLACE, request.requestor, property, kind, text.as_bytes())?;
            }
            _ => given = x11rb::NONE,
        }
        let answer = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property: given,
        };
        self.x.send_event(false, request.requestor, EventMask::NO_EVENT, answer)?;
        self.x.flush()?;
        if given != x11rb::NONE && request.target != self.atoms.TARGETS {
            self.taken += 1;
            self.awaits.take().into_iter().for_each(|answer| answer.send(self.taken).unwrap_or_default());
        }
        Ok(())
    }

    /// Takes what another program has given; nothing if it has no such text.
    fn take(&mut self, property: u32) -> Result<(), Fault> {
        let Some(mut reading) = self.reading.take() else { return Ok(()) };
        if property == x11rb::NONE {
            if reading.is_latin {
                drop(reading.answer.send(None));
                return Ok(());
            }
            reading.is_latin = true;
            self.reading = Some(reading);
            return self.ask_for(AtomEnum::STRING.into());
        }
        let length = (READ_MAX / 4) as u32;
        let value = self.x.get_property(true, self.window, property, AtomEnum::ANY, 0, length)?.reply()?;
        if value.type_ == self.atoms.INCR {
            reading.pieces = Some(Vec::new());
            self.reading = Some(reading);
            return Ok(());
        }
        reading.finish(&value.value);
        Ok(())
    }

    /// Takes the next piece of what comes in pieces; an empty one is the end.
    fn take_piece(&mut self) -> Result<(), Fault> {
        let Some(pieces) = self.reading.as_mut().and_then(|reading| reading.pieces.as_mut()) else { return Ok(()) };
        let (name, length) = (self.atoms.TAPWRIGHT_SELECTION, (READ_MAX / 4) as u32);
        let value = self.x.get_property(true, self.window, name, AtomEnum::ANY, 0, length)?.reply()?.value;
        let is_over = value.is_empty() || pieces.len() >= READ_MAX;
        pieces.extend(value);
        if is_over {
            let reading = self.reading.take().expect("it was there a moment ago");
            let pieces = reading.pieces.clone().unwrap_or_default();
            reading.finish(&pieces);
        }
        Ok(())
    }
}

impl Reading {
    fn finish(self, bytes: &[u8]) {
        let text = match self.is_latin {
            true => bytes.iter().map(|byte| char::from(*byte)).collect(),
            false => String::from_utf8_lossy(bytes).into_owned(),
        };
        drop(self.answer.send(Some(text)));
    }
}
