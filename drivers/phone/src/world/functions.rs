//! The functions that apps offer to other programs, and what becomes of a screen when one of them has changed something.

use serde_json::{Map, Value};

use super::{Overlay, World};
use crate::functions::{AppFunction, Arguments, FunctionError};

/// A function of an app, by the names that Android has for both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedFunction {
    pub package: &'static str,
    /// For example `com.android.calendar.CalendarFunctions#createEvent`.
    pub id: String,
    pub function: &'static AppFunction,
}

impl World {
    /// All functions of all apps.
    pub fn functions(&self) -> Vec<OfferedFunction> {
        let of_app = |app: &crate::app::InstalledApp| {
            let manifest = app.manifest();
            let (package, class) = (manifest.package, manifest.label.english);
            let offered = move |function: &'static AppFunction| OfferedFunction {
                package,
                id: format!("{package}.{class}Functions#{}", function.name),
                function,
            };
            app.functions().iter().map(offered).collect::<Vec<_>>()
        };
        self.apps.iter().flat_map(of_app).collect()
    }

    /// Calls a function of an app, whatever is in front. It answers with what it returns.
    ///
    /// # Errors
    /// `FunctionError` says why nothing was done. An app in which something is written that is not saved, or which asks something,
    /// changes nothing: what stands there would be another thing afterwards.
    pub fn call_function(
        &mut self,
        package: &str,
        id: &str,
        given: &Map<String, Value>,
    ) -> Result<Value, FunctionError> {
        let offered = self.functions().into_iter().find(|offered| offered.package == package && offered.id == id);
        let app = self.place_of(package).filter(|_| offered.is_some());
        let Some((app, OfferedFunction { function, .. })) = app.zip(offered) else {
            return Err(FunctionError::NotFound(format!("{package:.200} has no {id:.200}")));
        };
        let arguments = Arguments::check_arguments(function, given)?;
        if !function.reads && self.is_busy(app) {
            let why = "something is being written or asked on the app's screen; finish it there first";
            return Err(FunctionError::Unavailable(why.to_owned()));
        }
        let page = self.apps[app].first_page();
        let mut providers = self.providers.clone();
        let mut called = self.apps[app].clone();
        let answer = called.execute(function.name, &arguments, &self.context(app, &page), &mut providers)?;
        if !function.reads {
            self.apps[app] = called;
            self.providers = providers;
            self.rewind(app);
        }
        Ok(answer)
    }

    /// Whether something of an app waits for the person at the screen.
    fn is_busy(&self, app: usize) -> bool {
        let asks = matches!(&self.overlay, Some(Overlay::Question(of, _) | Overlay::Menu(of, _)) if *of == app);
        let page = self.stacks.get(&app).and_then(|stack| stack.last()).cloned();
        let unsaved = page
            .is_some_and(|page| self.apps[app].unsaved_question(&self.context(app, &page), &self.providers).is_some());
        asks || unsaved
    }

    /// Shows the first of an app's pages again: the others may be about places in a list that has changed.
    fn rewind(&mut self, app: usize) {
        let Some(stack) = self.stacks.get_mut(&app).filter(|stack| 1 < stack.len()) else { return };
        stack.truncate(1);
        if self.front == Some(app) {
            self.leave_field();
        }
    }
}
