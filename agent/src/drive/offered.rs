//! Which APIs a run knows of, and whether that is still so.

use tapwright_contract::api::{ApiSpec, Apis};

use crate::calls::ApiCatalog;
use crate::secrets::Secrets;

/// How many APIs are looked at, to find those that can be offered.
const APIS_MAX: usize = 1024;
/// As many names of those that are not are written to a log.
const NAMES_MAX: usize = 20;

/// The APIs as the run knows them.
#[derive(Default)]
pub(super) struct OfferedApis {
    /// What the run goes by.
    said: Vec<ApiSpec>,
    /// All that was told last, and those of it that can be offered: mostly it is the same again.
    told: Vec<ApiSpec>,
    fit: Vec<ApiSpec>,
    /// Whether they were said in place of the last screen. Then a screen comes first, however often they change.
    just_said: bool,
}

/// What has become of an API since the run was told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    Stands,
    Changed,
    Gone,
}

impl OfferedApis {
    /// Those that there are now, for a run that begins or goes on.
    pub(super) fn begin(&mut self, apis: &dyn Apis, secrets: &Secrets) -> Vec<ApiSpec> {
        self.ask(apis, secrets);
        self.said.clone_from(&self.fit);
        self.said.clone()
    }

    /// Those that there are now, if they are others than the run knows.
    pub(super) fn changes(&mut self, apis: &dyn Apis, secrets: &Secrets) -> Option<Vec<ApiSpec>> {
        self.ask(apis, secrets);
        self.just_said = self.fit != self.said && !self.just_said;
        self.just_said.then(|| {
            self.said.clone_from(&self.fit);
            self.said.clone()
        })
    }

    /// Whether an API is what the run was told of, right before it is called: the guard has judged by that.
    pub(super) fn offer(&mut self, name: &str, apis: &dyn Apis, secrets: &Secrets) -> Offer {
        self.ask(apis, secrets);
        let named = |specs: &[ApiSpec]| specs.iter().find(|spec| spec.name.eq_ignore_ascii_case(name)).cloned();
        match (named(&self.said), named(&self.fit)) {
            (_, None) => Offer::Gone,
            (before, now) if before == now => Offer::Stands,
            _ => Offer::Changed,
        }
    }

    fn ask(&mut self, apis: &dyn Apis, secrets: &Secrets) {
        let mut told = apis.specs();
        told.truncate(APIS_MAX);
        if told == self.told {
            return;
        }
        let (fit, left_out) = ApiCatalog::within_budget(&told);
        if let Some(first) = left_out.first() {
            let names: Vec<&str> = left_out.iter().take(NAMES_MAX).map(|api| api.name.as_str()).collect();
            tracing::warn!(count = left_out.len(), ?names, first = %first.why, "APIs that the model is not told of");
        }
        // A device may describe itself with what was typed into it.
        let is_quiet = |text: &str| secrets.redact(text) == text;
        let quiet = |spec: &&ApiSpec| {
            [&spec.name, &spec.about, &spec.parameters.to_string()].into_iter().all(|text| is_quiet(text))
        };
        self.fit = fit.iter().map(|(spec, _)| spec).filter(quiet).cloned().collect();
        if self.fit.len() < fit.iter().count() {
            tracing::warn!("an API that quotes a secret is not offered");
        }
        self.told = told;
    }
}
