//! What offers calls to a session besides its device: the APIs of the settings, services that describe themselves, and MCP servers.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tapwright_agent::apis::{Lent, Registry};
use tapwright_agent::secrets::Secrets;
use tapwright_contract::api::{ApiError, ApiSpec, Apis};
use tapwright_contract::name::is_same;
use tokio::task::JoinSet;

use super::{LoadingStage, RunError, SessionError};
use crate::apis::UnofferedApi;
use crate::apis::mcp::McpServer;
use crate::apis::openapi::OpenApiService;
use crate::settings::Settings;

/// MCP servers that were started, and services whose descriptions were read.
#[derive(Default)]
pub struct ApiSources {
    servers: Vec<McpServer>,
    services: Vec<OpenApiService>,
}

impl ApiSources {
    /// Starts all servers and reads all descriptions, at once. What a run can do without is left out with a note.
    pub async fn open(
        settings: &Settings,
        secrets: &Secrets,
        stage: &impl Fn(LoadingStage),
    ) -> Result<ApiSources, SessionError> {
        let starting: Vec<_> = settings
            .mcp
            .iter()
            .cloned()
            .map(|options| {
                let secrets = secrets.clone();
                begin(async move { McpServer::start(&options, &secrets).await })
            })
            .collect();
        let reading: Vec<_> = settings
            .openapi
            .iter()
            .cloned()
            .map(|options| {
                let secrets = secrets.clone();
                begin(async move { OpenApiService::open(&options, &secrets).await })
            })
            .collect();
        let without = |error: &dyn std::fmt::Display, key: String| {
            stage(LoadingStage::Note(format!("{error}; the run begins without it, as [{key}] allows")));
        };
        let mut sources = ApiSources::default();
        for (options, tasks) in settings.mcp.iter().zip(starting) {
            stage(LoadingStage::Library(format!("starting the MCP server {}", options.name)));
            match only_result(tasks).await {
                Some(Ok(server)) => sources.servers.push(server),
                Some(Err(error)) if options.is_optional => without(&error, format!("mcp.{}", options.name)),
                Some(Err(error)) => return Err(error.into()),
                None => {}
            }
        }
        for (options, tasks) in settings.openapi.iter().zip(reading) {
            stage(LoadingStage::Library(format!("reading the description of {}", options.name)));
            match only_result(tasks).await {
                Some(Ok(service)) => sources.services.push(service),
                Some(Err(error)) if options.is_optional => without(&error, format!("apis.{}", options.name)),
                Some(Err(error)) => return Err(error.into()),
                None => {}
            }
        }
        Ok(sources)
    }

    /// Starts those anew that have ended by themselves in the meantime.
    pub async fn start_again(&mut self, secrets: &Secrets) -> Result<(), RunError> {
        for server in self.servers.iter_mut().filter(|server| server.has_ended()) {
            let options = server.options().clone();
            match McpServer::start(&options, secrets).await {
                Ok(fresh) => *server = fresh,
                Err(error) if options.is_optional => tracing::warn!(%error, "a run begins without an MCP server"),
                Err(error) => return Err(RunError::Api { why: error.to_string() }),
            }
        }
        Ok(())
    }

    /// What the names of their calls begin with.
    fn names(&self) -> Vec<String> {
        let servers = self.servers.iter().map(|server| server.options().name.clone());
        servers.chain(self.services.iter().map(|service| service.options().name.clone())).collect()
    }

    /// What is not offered although it is there, and why: of theirs, and of a device whose names are theirs.
    pub fn left_out(&self, device: &[Box<dyn Apis>]) -> Vec<UnofferedApi> {
        let names = self.names();
        let hidden = device.iter().flat_map(|apis| apis.specs()).filter(|spec| belongs_to(&spec.name, &names));
        let why = "an MCP server or a service has the name that it begins with; give that one another: [mcp.OTHER], [apis.OTHER]";
        let hidden = hidden.map(|spec| UnofferedApi { name: spec.name, why: why.to_owned(), is_unchosen: false });
        let servers = self.servers.iter().flat_map(McpServer::left_out);
        hidden.chain(servers).chain(self.services.iter().flat_map(OpenApiService::left_out)).collect()
    }

    /// The APIs of the settings, the operations of services, those of the device, and the tools of MCP servers.
    pub fn registry<'a>(
        &'a mut self,
        settings: &Settings,
        secrets: &Secrets,
        device: &'a mut [Box<dyn Apis>],
    ) -> Result<Registry<'a>, RunError> {
        let names = self.names();
        let mut apis: Registry<'a> =
            settings.registry(secrets).map_err(|error| RunError::Api { why: error.to_string() })?;
        for service in &mut self.services {
            let name = service.options().name.clone();
            apis.add(Box::new(Lent(service))).map_err(|(api, error)| RunError::Api {
                why: format!("the service {name}: {api}: {error}; give it another name: [apis.OTHER]"),
            })?;
        }
        for one in device {
            let added = apis.add(Box::new(DeviceApis { own: one.as_mut(), taken: names.clone() }));
            added.map_err(|(name, error)| RunError::Api { why: format!("the device's API {name:?}: {error}") })?;
        }
        for server in &mut self.servers {
            let name = server.options().name.clone();
            apis.add(Box::new(Lent(server))).map_err(|(api, error)| RunError::Api {
                why: format!("the MCP server {name}: {api}: {error}; give the server another name: [mcp.OTHER]"),
            })?;
        }
        Ok(apis)
    }

    /// Ends the servers with all that they have started.
    pub async fn close(self) {
        for server in self.servers {
            server.close().await;
        }
    }
}

/// A task of its own, which ends with this.
fn begin<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinSet<T> {
    let mut tasks = JoinSet::new();
    tasks.spawn(work);
    tasks
}

/// What comes of the only task of a set.
async fn only_result<T: 'static>(mut tasks: JoinSet<T>) -> Option<T> {
    match tasks.join_next().await? {
        Ok(result) => Some(result),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// What a device offers, but for names that belong to a server or a service: an app that came to the front later could take one over, and
/// with it what the policy says of it.
struct DeviceApis<'a> {
    own: &'a mut dyn Apis,
    taken: Vec<String>,
}

fn belongs_to(name: &str, names: &[String]) -> bool {
    name.split_once('.').is_some_and(|(first, _)| names.iter().any(|taken| is_same(taken, first)))
}

#[async_trait]
impl Apis for DeviceApis<'_> {
    fn specs(&self) -> Vec<ApiSpec> {
        let mut specs = self.own.specs();
        specs.retain(|spec| !belongs_to(&spec.name, &self.taken));
        specs
    }

    async fn call(&mut self, name: &str, arguments: &Value, within: Duration) -> Result<String, ApiError> {
        self.own.call(name, arguments, within).await
    }
}
