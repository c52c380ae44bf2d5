//! The widgets of all programs of a desktop, seen or not, as they tell them over the accessibility bus (AT-SPI): for judges.

use tapwright_contract::device::DriverErrorKind;
use tokio::task::JoinSet;
use zbus::{Connection, OwnedObjectPath};

use super::listed_widget::{
    ACCESSIBLE, AT_ONCE, DEPTH_MAX, REGISTRY, ROOT, Reference, bits, body, bus_error, extents, property, role,
};

/// No widget is asked for more of what lies in it, as in OSWorld's server.
const CHILDREN_MAX: usize = 1024;
/// No more widgets are asked about.
const NODES_MAX: usize = 50_000;
/// No more of a text is told, in characters.
const TEXT_MAX: i32 = 100_000;

/// A widget, as its program tells it. All words in it are somebody else's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessibleNode {
    /// How many widgets it lies in.
    pub depth: u32,
    /// By its number in AT-SPI.
    pub role: u32,
    pub name: String,
    pub description: String,
    /// A bit for each state, by AT-SPI's numbers.
    pub states: u64,
    /// Left, top, width, height on the screen, if it says where it is.
    pub area: Option<[i32; 4]>,
    /// What it holds, if it holds text; never that of a field for passwords.
    pub text: Option<String>,
    /// Its value, the least and the most that it can be, and its step, if it is a number.
    pub value: Option<[String; 4]>,
    /// The last parts of its interfaces' names.
    pub interfaces: Vec<String>,
}

/// A widget that is to be asked about: where it lies among those that were, and which one it is.
struct Asked {
    /// For each level, the place among its siblings.
    path: Vec<u32>,
    program: String,
    object: String,
}

/// All of them, in the order of the tree.
pub(super) async fn of_all(connection: Connection) -> Result<Vec<AccessibleNode>, DriverErrorKind> {
    let answer =
        connection.call_method(Some(REGISTRY), ROOT, Some(ACCESSIBLE), "GetChildren", &()).await.map_err(bus_error)?;
    let programs: Vec<Reference> = answer.body().deserialize().map_err(bus_error)?;
    let mut open: Vec<Asked> =
        programs.into_iter().zip(0..).map(|((program, object), at)| asked(&[], at, program, &object)).collect();
    let mut told: Vec<(Vec<u32>, AccessibleNode)> = Vec::new();
    let mut running: JoinSet<Option<(Asked, AccessibleNode, Vec<Reference>)>> = JoinSet::new();
    loop {
        while running.len() < AT_ONCE && told.len() + running.len() < NODES_MAX {
            let Some(next) = open.pop() else { break };
            let connection = connection.clone();
            running.spawn(async move { node(&connection, next).await });
        }
        let Some(answer) = running.join_next().await else { break };
        let Ok(Some((at, node, children))) = answer else { continue };
        if node.depth < DEPTH_MAX {
            let inner = children.into_iter().take(CHILDREN_MAX).zip(0..);
            open.extend(inner.map(|((program, object), index)| asked(&at.path, index, program, &object)));
        }
        told.push((at.path, node));
    }
    told.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(told.into_iter().map(|(_, node)| node).collect())
}

fn asked(parent: &[u32], at: u32, program: String, object: &OwnedObjectPath) -> Asked {
    Asked { path: parent.iter().copied().chain([at]).collect(), program, object: object.to_string() }
}

/// What one widget tells, and what lies in it; `None` if it does not answer.
async fn node(connection: &Connection, at: Asked) -> Option<(Asked, AccessibleNode, Vec<Reference>)> {
    let (program, object) = (at.program.as_str(), at.object.as_str());
    let call =
        async |method: &str| connection.call_method(Some(program), object, Some(ACCESSIBLE), method, &()).await.ok();
    let (role, states, interfaces, children, name, description) = tokio::join!(
        call("GetRole"),
        call("GetState"),
        call("GetInterfaces"),
        call("GetChildren"),
        property(connection, program, object, "Name"),
        property(connection, program, object, "Description"),
    );
    let role = body(role)?;
    let interfaces: Vec<String> = body(interfaces).unwrap_or_default();
    let interfaces: Vec<String> =
        interfaces.iter().filter_map(|name| name.rsplit('.').next()).map(str::to_owned).collect();
    let has = |interface: &str| interfaces.iter().any(|name| name == interface);
    let mut node = AccessibleNode {
        depth: u32::try_from(at.path.len() - 1).unwrap_or(DEPTH_MAX),
        role,
        name: name.unwrap_or_default(),
        description: description.unwrap_or_default(),
        states: bits(&body::<Vec<u32>>(states).unwrap_or_default()),
        ..AccessibleNode::default()
    };
    if has("Component") {
        node.area = extents(connection, program, object).await.map(<[i32; 4]>::from);
    }
    if has("Text") && role != role::PASSWORD {
        let interface = Some("org.a11y.atspi.Text");
        let text = connection.call_method(Some(program), object, interface, "GetText", &(0, TEXT_MAX)).await;
        node.text = body(text.ok());
        if node.text.as_ref().is_none_or(String::is_empty) {
            // Some want to be told the end.
            let text = connection.call_method(Some(program), object, interface, "GetText", &(0, -1)).await;
            node.text = body(text.ok()).or(node.text);
        }
    }
    if has("Value") {
        node.value = value(connection, program, object).await;
    }
    node.interfaces = interfaces;
    let children = body(children).unwrap_or_default();
    Some((at, node, children))
}

async fn value(connection: &Connection, program: &str, object: &str) -> Option<[String; 4]> {
    let interface = "org.a11y.atspi.Value";
    let ask = async |name: &str| {
        let (asks, about) = (Some("org.freedesktop.DBus.Properties"), (interface, name));
        let answer = connection.call_method(Some(program), object, asks, "Get", &about).await.ok();
        let value: zbus::OwnedVariant = body(answer)?;
        f64::try_from(value).ok().map(|number| format!("{number:?}"))
    };
    let (now, least, most, step) =
        tokio::join!(ask("CurrentValue"), ask("MinimumValue"), ask("MaximumValue"), ask("MinimumIncrement"));
    Some([now?, least.unwrap_or_default(), most.unwrap_or_default(), step.unwrap_or_default()])
}
