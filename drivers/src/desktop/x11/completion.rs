//! Widgets that a program's own list lacks, and those that say a wrong place: what the list alone does not tell.
//!
//! Chromium lists its window and not what a page has become since. LibreOffice under GTK lists its own widgets and leaves out GTK's around
//! them, the bar of menus among them: its own bar, of no height, is in the list instead, and all that lies below says a place that is
//! too high by the bar that is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::task::JoinSet;
use zbus::Connection;

use super::listed_widget::{
    ACCESSIBLE, ASKED_MAX, AT_ONCE, DEPTH_MAX, ListedWidget, ROOT, Reference, bits, body, extents, property, role,
};

/// How long widgets may be asked for that a list lacks; what was not told by then is left out.
const COMPLETION: Duration = Duration::from_millis(1500);
/// How long may be asked where panes and bars are; what is not known by then stays as it was told.
const PLACING: Duration = Duration::from_millis(1000);

/// A widget that is to be asked about.
struct Open {
    /// Where it comes: for each level, its place among its siblings.
    place: Vec<usize>,
    path: String,
    depth: u32,
}

/// Widgets as they were told, each with where it comes.
type Walked = Vec<(Vec<usize>, ListedWidget)>;

/// All widgets of a program that can be seen, without a list.
pub(super) async fn by_walking(connection: &Connection, program: &str) -> Vec<ListedWidget> {
    let mut walked = Walked::new();
    let root = Open { place: vec![0], path: ROOT.to_owned(), depth: 0 };
    walk_from(connection, program, vec![root], &BTreeSet::new(), &mut walked).await;
    walked.sort_by(|(one, _), (other, _)| one.cmp(other));
    walked.into_iter().map(|(_, one)| one).collect()
}

/// Walks from some widgets on, but not into those that are known, as far as there is room.
async fn walk_from(
    connection: &Connection,
    program: &str,
    mut open: Vec<Open>,
    known: &BTreeSet<String>,
    walked: &mut Walked,
) {
    let mut asked: JoinSet<Option<(Open, ListedWidget, Vec<String>)>> = JoinSet::new();
    loop {
        while asked.len() < AT_ONCE && walked.len() + asked.len() < ASKED_MAX {
            let Some(next) = open.pop() else { break };
            if !known.contains(&next.path) {
                let (connection, program) = (connection.clone(), program.to_owned());
                asked.spawn(async move { walk(&connection, &program, next).await });
            }
        }
        let Some(answer) = asked.join_next().await else { break };
        let Ok(Some((at, one, children))) = answer else { continue };
        let below = children.into_iter().enumerate().rev();
        open.extend(below.map(|(child, path)| Open {
            place: at.place.iter().copied().chain([child]).collect(),
            path,
            depth: at.depth + 1,
        }));
        walked.push((at.place, one));
    }
}

/// What one widget tells, and what lies in it, if that can be asked; `None` if it does not answer.
async fn walk(connection: &Connection, program: &str, at: Open) -> Option<(Open, ListedWidget, Vec<String>)> {
    let path = &*at.path;
    let call =
        async |method: &str| connection.call_method(Some(program), path, Some(ACCESSIBLE), method, &()).await.ok();
    let (role, states, interfaces, name, description) = tokio::join!(
        call("GetRole"),
        call("GetState"),
        call("GetInterfaces"),
        property(connection, program, path, "Name"),
        property(connection, program, path, "Description"),
    );
    let one = ListedWidget {
        path: path.to_owned(),
        depth: at.depth,
        role: body(role)?,
        states: bits(&body::<Vec<u32>>(states)?),
        interfaces: body(interfaces)?,
        name: name.unwrap_or_default(),
        description: description.unwrap_or_default(),
        ..ListedWidget::default()
    };
    // The program itself has no states.
    let has_more = at.depth == 0 || one.is_seen() && one.tells_its_children();
    let children =
        if has_more && at.depth < DEPTH_MAX { children_of(connection, program, path).await } else { Vec::new() };
    Some((at, one, children))
}

async fn children_of(connection: &Connection, program: &str, path: &str) -> Vec<String> {
    let asked = connection.call_method(Some(program), path, Some(ACCESSIBLE), "GetChildren", &()).await;
    let children: Vec<Reference> = body(asked.ok()).unwrap_or_default();
    let own = children.into_iter().filter(|(of, _)| of == program);
    own.take(ASKED_MAX).map(|(_, path)| path.to_string()).collect()
}

/// The widgets of a list with those that it lacks, all where they are shown.
pub(super) async fn complete(connection: &Connection, program: &str, listed: Vec<ListedWidget>) -> Vec<ListedWidget> {
    let lacking = (0..listed.len()).filter(|at| lacks_children(&listed, *at)).take(ASKED_MAX);
    let lacking: Vec<usize> = lacking.collect();
    if lacking.is_empty() {
        return listed;
    }
    let known: BTreeSet<String> = listed.iter().map(|one| one.path.clone()).collect();
    let mut walked = Walked::new();
    let mut parents = BTreeMap::new();
    let asking = async {
        let ask = async |at: usize| (at, children_of(connection, program, &listed[at].path).await);
        let mut asked = stream::iter(lacking.into_iter().map(ask)).buffer_unordered(AT_ONCE);
        let mut open = Vec::new();
        while let Some((at, children)) = asked.next().await {
            for (child, path) in children.into_iter().enumerate() {
                parents.insert(path.clone(), listed[at].path.clone());
                open.push(Open { place: vec![at, child], path, depth: listed[at].depth + 1 });
            }
        }
        walk_from(connection, program, open, &known, &mut walked).await;
    };
    if tokio::time::timeout(COMPLETION, asking).await.is_err() {
        tracing::debug!(program, "a program is slow to tell what it has not listed; the rest is left out");
    }
    walked.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut walked = walked.into_iter().peekable();
    let mut all = Vec::with_capacity(listed.len() + walked.len());
    for (at, one) in listed.into_iter().enumerate() {
        all.push(one);
        while let Some((_, found)) = walked.next_if(|(place, _)| place[0] == at) {
            all.push(found);
        }
    }
    let placing = put_in_place(connection, program, &mut all, &parents, &known);
    if tokio::time::timeout(PLACING, placing).await.is_err() {
        tracing::debug!(
            program,
            "a program is slow to tell where its panes are; the rest stay where its list has them"
        );
    }
    all
}

/// Whether a widget that can be seen says that it has more children than are in the list.
fn lacks_children(listed: &[ListedWidget], at: usize) -> bool {
    let one = &listed[at];
    let below = listed[at + 1..].iter().take_while(|next| next.depth > one.depth);
    let has_listed = below.filter(|next| next.depth == one.depth + 1).count();
    one.children > has_listed && one.is_seen() && one.tells_its_children() && one.depth < DEPTH_MAX
}

/// A pane for all of a window's content that is as large as what it lies in lies exactly there, whatever it says; and a bar of menus without
/// a height, which is in it, is not shown. `parents`: what some of the widgets lie in, by their paths. `known`: what the program listed; the
/// widgets in the pane that it did not list are another toolkit's, and say the right place.
async fn put_in_place(
    connection: &Connection,
    program: &str,
    all: &mut Vec<ListedWidget>,
    parents: &BTreeMap<String, String>,
    known: &BTreeSet<String>,
) {
    let panes: Vec<usize> = (0..all.len()).filter(|at| all[*at].role == role::ROOT_PANE).collect();
    for pane in panes.into_iter().rev() {
        let Some(parent) = parents.get(&all[pane].path) else { continue };
        let places = tokio::join!(extents(connection, program, &all[pane].path), extents(connection, program, parent));
        let (Some(says), Some(lies)) = places else { continue };
        if (says.2, says.3) != (lies.2, lies.3) {
            continue;
        }
        let end = end_of(all, pane);
        for one in all[pane..end].iter_mut().filter(|one| known.contains(&one.path)) {
            one.shift = (lies.0.saturating_sub(says.0), lies.1.saturating_sub(says.1));
        }
        let bars: Vec<usize> = (pane..end).filter(|at| all[*at].role == role::MENU_BAR).collect();
        for bar in bars.into_iter().rev() {
            if extents(connection, program, &all[bar].path).await.is_some_and(|(_, _, _, height)| height <= 0) {
                let end = end_of(all, bar);
                all.drain(bar..end);
            }
        }
    }
}

/// Behind a widget and all that lies in it.
fn end_of(listed: &[ListedWidget], at: usize) -> usize {
    let below = listed[at + 1..].iter().take_while(|next| next.depth > listed[at].depth).count();
    at + 1 + below
}

#[cfg(test)]
mod tests {
    use super::super::listed_widget::state;
    use super::*;

    #[test]
    fn a_widget_whose_children_are_not_listed_is_asked_for_them() {
        const SEEN: u64 = 1 << state::SHOWING | 1 << state::VISIBLE;
        let with = |path: &str, depth: u32, children: usize, states: u64| ListedWidget {
            path: path.to_owned(),
            depth,
            children,
            states,
            ..ListedWidget::default()
        };
        let listed = [
            with("/window", 0, 2, SEEN),
            with("/window/page", 1, 3, SEEN),
            with("/window/page/one", 2, 0, SEEN),
            with("/window/menu", 1, 3, 0),
        ];
        let lacking: Vec<&str> =
            (0..listed.len()).filter(|at| lacks_children(&listed, *at)).map(|at| &*listed[at].path).collect();
        assert_eq!(lacking, ["/window/page"], "a menu that is closed is not asked, nor what has all of its own listed");
        assert_eq!((end_of(&listed, 0), end_of(&listed, 1), end_of(&listed, 3)), (4, 3, 4));
    }
}
