//! What programs say of their widgets, over the accessibility bus (AT-SPI).
//!
//! All that is read is a program's own words. Every call has a time limit of its own: programs that are busy answer late or never.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tapwright_contract::device::DriverErrorKind;
use tokio::task::JoinSet;
use zbus::Connection;
use zbus::connection::Builder;

use super::super::bus::SessionBus;
use super::completion;
use super::listed_widget::{
    ACCESSIBLE, ASKED_MAX, AT_ONCE, DEPTH_MAX, ListedWidget, REGISTRY, ROOT, Reference, bits, body, bus_error, extents,
};
use super::monitors::Monitor;
use super::windows::TopLevel;
use crate::deadline::Deadline;
use crate::tree::{Tree, Widget};

/// How long one answer of a program may take.
const ANSWER: Duration = Duration::from_secs(1);
/// How long all of it may take.
const READ: Duration = Duration::from_secs(4);
/// How often, and how far apart, a program is asked for its list that may not have heard yet that it is to keep one.
const FRESH_TRIES: u32 = 12;
const FRESH_PAUSE: Duration = Duration::from_millis(25);
/// No more of what a program lists is read.
const LISTED_MAX: usize = 50_000;
/// No text of a field is told further, in characters.
const TEXT_MAX: i32 = 500;

/// The way to the accessibility bus.
pub(crate) struct Accessibility {
    bus: SessionBus,
    connection: Option<Connection>,
    /// Whether programs may not have heard yet that somebody listens.
    is_fresh: bool,
}

/// What a program's cache says of a widget: itself, its program, its parent, its place among its siblings, how many children it has, its
/// interfaces, its name, its role, its description and its states.
type Item = (Reference, Reference, Reference, i32, i32, Vec<String>, String, u32, String, Vec<u32>);

/// Whose widgets are read, and where they can be seen.
pub(super) struct Subject {
    /// The process of the window in front.
    pub process: u32,
    /// What the platform calls its app.
    pub app: String,
    pub monitor: Monitor,
    /// What lies on the screen, the lowest first, and the process that each belongs to, if it tells.
    pub stack: Vec<(TopLevel, Option<u32>)>,
}

impl Accessibility {
    pub fn new(bus: SessionBus) -> Accessibility {
        Accessibility { bus, connection: None, is_fresh: false }
    }

    pub(super) async fn ensure_connection(&mut self) -> Result<Connection, DriverErrorKind> {
        if let Some(connection) = &self.connection {
            return Ok(connection.clone());
        }
        let build = |address: &str| {
            let builder = Builder::address(address).method_timeout(ANSWER);
            match self.bus.user {
                Some(user) => builder.user_id(user).build(),
                None => builder.build(),
            }
        };
        let session = build(&self.bus.address).await.map_err(bus_error)?;
        let bus = Some("org.a11y.Bus");
        let answer = session.call_method(bus, "/org/a11y/bus", bus, "GetAddress", &()).await.map_err(bus_error)?;
        let address: String = answer.body().deserialize().map_err(bus_error)?;
        let connection = build(&address).await.map_err(bus_error)?;
        // GTK keeps its lists only while somebody listens to events; this one hardly ever comes.
        let listener = ("screen-reader:region-changed", Vec::<&str>::new(), "");
        let registry = "/org/a11y/atspi/registry";
        if let Err(error) =
            connection.call_method(Some(REGISTRY), registry, Some(REGISTRY), "RegisterEvent", &listener).await
        {
            tracing::debug!(%error, "nobody is told that somebody listens");
        }
        self.is_fresh = true;
        self.connection = Some(connection.clone());
        Ok(connection)
    }

    /// The widgets of the app in front that can be seen on a monitor; `None` if it tells none.
    ///
    /// # Errors
    /// `TimedOut` if they did not come in time, `MalformedResponse` if the bus cannot be read.
    pub async fn tree(&mut self, subject: Subject, deadline: Deadline) -> Result<Option<Tree>, DriverErrorKind> {
        let deadline = deadline.or_sooner(READ);
        let read = deadline.hold("the widgets of the app in front", self.read(subject)).await;
        if read.is_err() {
            self.connection = None;
        }
        read
    }

    async fn read(&mut self, subject: Subject) -> Result<Option<Tree>, DriverErrorKind> {
        let connection = self.ensure_connection().await?;
        let Some(program) = program_of(&connection, subject.process).await? else { return Ok(None) };
        let mut cached = from_cache(&connection, &program).await;
        for _ in 0..FRESH_TRIES {
            if !self.is_fresh || cached.as_ref().is_ok_and(|listed| listed.len() > 1) {
                break;
            }
            tokio::time::sleep(FRESH_PAUSE).await;
            cached = from_cache(&connection, &program).await;
        }
        self.is_fresh = false;
        let listed = match cached {
            Ok(listed) if listed.len() > 1 => completion::complete(&connection, &program, listed).await,
            // Some keep no cache.
            _ => completion::by_walking(&connection, &program).await,
        };
        let mut asked: JoinSet<Option<(usize, Widget)>> = JoinSet::new();
        let mut widgets = Vec::new();
        let questions = listed.into_iter().filter(ListedWidget::is_of_interest).take(ASKED_MAX);
        for (at, one) in questions.enumerate() {
            if asked.len() >= AT_ONCE {
                widgets.extend(asked.join_next().await.and_then(Result::ok).flatten());
            }
            let (connection, program, app) = (connection.clone(), program.clone(), subject.app.clone());
            asked.spawn(async move { Some((at, asked_widget(&connection, &program, one, &app).await?)) });
        }
        while let Some(answer) = asked.join_next().await {
            widgets.extend(answer.ok().flatten());
        }
        widgets.sort_by_key(|(at, _)| *at);
        let seen = widgets.into_iter().filter_map(|(_, widget)| on_monitor(widget, &subject)).collect();
        let tree = Tree { size: subject.monitor.size, widgets: seen };
        Ok(tree.tells_anything().then_some(tree))
    }
}

/// The program on the bus that is a process.
async fn program_of(connection: &Connection, process: u32) -> Result<Option<String>, DriverErrorKind> {
    let answer =
        connection.call_method(Some(REGISTRY), ROOT, Some(ACCESSIBLE), "GetChildren", &()).await.map_err(bus_error)?;
    let programs: Vec<Reference> = answer.body().deserialize().map_err(bus_error)?;
    for (program, _) in programs.into_iter().take(256) {
        let bus = Some("org.freedesktop.DBus");
        let asked =
            connection.call_method(bus, "/org/freedesktop/DBus", bus, "GetConnectionUnixProcessID", &program).await;
        if asked.is_ok_and(|answer| answer.body().deserialize::<u32>().is_ok_and(|number| number == process)) {
            return Ok(Some(program));
        }
    }
    Ok(None)
}

/// All widgets of a program in one answer, parents before their children.
async fn from_cache(connection: &Connection, program: &str) -> Result<Vec<ListedWidget>, DriverErrorKind> {
    let (path, interface) = ("/org/a11y/atspi/cache", Some("org.a11y.atspi.Cache"));
    let answer = connection.call_method(Some(program), path, interface, "GetItems", &()).await.map_err(bus_error)?;
    let items: Vec<Item> = answer.body().deserialize().map_err(bus_error)?;
    if items.len() > LISTED_MAX {
        return Err(DriverErrorKind::MalformedResponse { why: format!("a program lists {} widgets", items.len()) });
    }
    Ok(in_order(items))
}

/// Widgets of a list in the order of the tree that they make; one whose parents are not listed, or lead in a circle, is left out.
fn in_order(items: Vec<Item>) -> Vec<ListedWidget> {
    let mut children: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        if item.2.1 != item.0.1 {
            children.entry(&item.2.1).or_default().push(at);
        }
    }
    children.values_mut().for_each(|all| all.sort_by_key(|at| items[*at].3));
    let is_listed: BTreeSet<&str> = items.iter().map(|item| &**item.0.1).collect();
    // Windows, whose parent is the program itself, which is not always listed.
    let roots =
        (0..items.len()).filter(|at| !is_listed.contains(&**items[*at].2.1) || items[*at].2.1 == items[*at].0.1);
    let mut open: Vec<(usize, u32)> = roots.map(|at| (at, 0)).collect();
    open.reverse();
    let mut order = Vec::with_capacity(items.len());
    while let Some((at, depth)) = open.pop() {
        order.push((at, depth));
        if depth < DEPTH_MAX && order.len() < items.len() {
            let inner = children.get(&**items[at].0.1).into_iter().flatten().rev();
            open.extend(inner.map(|child| (*child, depth + 1)));
        }
    }
    let mut items: Vec<Option<Item>> = items.into_iter().map(Some).collect();
    let listed = order.into_iter().filter_map(|(at, depth)| {
        let ((_, path), _, _, _, children, interfaces, name, role, description, states) = items[at].take()?;
        Some(ListedWidget {
            path: path.to_string(),
            depth,
            interfaces,
            name,
            description,
            role,
            states: bits(&states),
            children: usize::try_from(children).unwrap_or(0),
            shift: (0, 0),
        })
    });
    listed.collect()
}

/// Where a widget is and what it holds; `None` if it does not say where.
async fn asked_widget(connection: &Connection, program: &str, one: ListedWidget, app: &str) -> Option<Widget> {
    let (x, y, width, height) = extents(connection, program, &one.path).await?;
    let (x, y) = (x.saturating_add(one.shift.0), y.saturating_add(one.shift.1));
    let mut text = String::new();
    if one.has_text() {
        let (interface, method) = ("org.a11y.atspi.Text", "GetText");
        let answer =
            connection.call_method(Some(program), one.path.as_str(), Some(interface), method, &(0, TEXT_MAX)).await;
        text = body(answer.ok()).unwrap_or_default();
    }
    let bounds = [x, y, x.saturating_add(width), y.saturating_add(height)];
    Some(one.widget(bounds, text, app))
}

/// A widget as a place of the monitor; `None` if it cannot be seen there, because it lies elsewhere or another program's window lies over it.
fn on_monitor(mut widget: Widget, subject: &Subject) -> Option<Widget> {
    let (x, y) = (i32::from(subject.monitor.x), i32::from(subject.monitor.y));
    let (right, bottom) = (subject.monitor.size.width as i32, subject.monitor.size.height as i32);
    let [left, top, to_right, to_bottom] = widget.bounds;
    let clipped = |at: i32, from: i32, max: i32| at.saturating_sub(from).clamp(0, max);
    widget.bounds =
        [clipped(left, x, right), clipped(top, y, bottom), clipped(to_right, x, right), clipped(to_bottom, y, bottom)];
    if widget.bounds[0] >= widget.bounds[2] || widget.bounds[1] >= widget.bounds[3] {
        return None;
    }
    let (middle_x, middle_y) = widget.middle();
    let over = subject.stack.iter().rev().find(|(top, _)| top.holds((middle_x + x, middle_y + y)));
    // Whoever does not say whose window it is may lie over it or not.
    over.is_none_or(|(_, process)| process.is_none_or(|process| process == subject.process)).then_some(widget)
}

#[cfg(test)]
mod tests {
    use zbus::OwnedObjectPath;

    use super::super::listed_widget::state;
    use super::*;

    fn item(path: &str, parent: &str, index: i32) -> Item {
        let reference = |path: &str| (":1.2".to_owned(), OwnedObjectPath::try_from(path).unwrap());
        let interfaces = vec!["org.a11y.atspi.Component".to_owned()];
        let states = vec![1 << state::SHOWING | 1 << state::VISIBLE, 1 << (state::CHECKABLE - 32)];
        (
            reference(path),
            reference("/app"),
            reference(parent),
            index,
            0,
            interfaces,
            path.to_owned(),
            43,
            String::new(),
            states,
        )
    }

    #[test]
    fn a_list_becomes_a_tree_whatever_its_order() {
        let items = vec![
            item("/b/two", "/b", 1),
            item("/circle/one", "/circle/two", 0),
            item("/circle/two", "/circle/one", 0),
            item("/b/one", "/b", 0),
            item("/b", "/app", 1),
            item("/a", "/app", 0),
            item("/self", "/self", 0),
            item("/b/one/deep", "/b/one", 0),
        ];
        let listed = in_order(items);
        let told: Vec<String> =
            listed.iter().map(|one| format!("{}{}", " ".repeat(one.depth as usize), one.name)).collect();
        assert_eq!(told, ["/b", " /b/one", "  /b/one/deep", " /b/two", "/a", "/self"]);
        assert!(listed[0].is_of_interest() && listed[0].is(state::CHECKABLE));
        // What is in a menu that is not open says so.
        for seen in [0, 1 << state::SHOWING, 1 << state::VISIBLE] {
            let mut hidden = item("/hidden", "/app", 0);
            hidden.9 = vec![seen, 0];
            assert!(!in_order(vec![hidden])[0].is_of_interest(), "{seen:b}");
        }
    }

    #[test]
    fn what_lies_elsewhere_or_under_another_window_is_not_seen() {
        let monitor =
            Monitor { name: String::new(), x: 100, y: 0, size: tapwright_contract::Size { width: 200, height: 100 } };
        let own = TopLevel::for_tests(1, [0, 0, 400, 400]);
        let other = TopLevel::for_tests(2, [250, 0, 50, 50]);
        let stack = vec![(own, Some(7)), (other, Some(8))];
        let subject = Subject { process: 7, app: "a".to_owned(), monitor, stack };
        let seen = |bounds| on_monitor(Widget { bounds, ..Widget::default() }, &subject).map(|widget| widget.bounds);
        assert_eq!(seen([110, 10, 130, 20]), Some([10, 10, 30, 20]));
        assert_eq!(seen([90, -10, 130, 20]), Some([0, 0, 30, 20]), "cut off at the edge");
        assert_eq!(seen([0, 0, 90, 20]), None, "on another monitor");
        assert_eq!(seen([260, 10, 280, 20]), None, "under another program's window");
        assert_eq!(seen([0, 0, i32::MAX, i32::MAX]), Some([0, 0, 200, 100]));
    }
}
