//! Which action answers a request: a tree of path segments, made at boot.
//!
//! ```text
//!   /users/{id}/posts     {id} is one segment, not empty
//!   /files/{*path}        {*path} is all the rest, not empty
//! ```
//!
//! A segment that is spelled out goes before a parameter, and a parameter before the rest. Paths are
//! compared as they stand in requests: percent signs are not undone, so that no two spellings of a
//! path are taken for one.

use crate::action::Action;
use crate::method::Method;
use crate::request::{PARAMETERS_MAX, Parameters};
use crate::status::Status;
use std::fmt;

/// Segments of a path, at most: how deep the tree is.
const SEGMENTS_MAX: usize = 32;

/// What is wrong with a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteError {
    /// The method of the route.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route {} {}: {}", self.method, self.path, self.what)
    }
}

impl std::error::Error for RouteError {}

/// The routes of a server.
#[derive(Debug, Default)]
pub struct Routes {
    root: Node,
    pub(crate) actions: Vec<Action>,
    pub(crate) errors: Vec<RouteError>,
}

#[derive(Debug, Default)]
struct Node {
    /// Segments that are spelled out.
    segments: Vec<(String, Node)>,
    parameter: Option<Box<Node>>,
    rest: Option<Box<Node>>,
    /// By method: the action, and the names of the parameters on the way.
    ends: [Option<(usize, Vec<String>)>; Method::ALL.len()],
}

/// An action that answers a request.
#[derive(Debug)]
pub(crate) struct Match<'r> {
    pub(crate) action: usize,
    pub(crate) parameters: Parameters<'r>,
}

/// Why none does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoMatch {
    pub(crate) status: Status,
    /// Methods that the path has, for 405.
    pub(crate) allowed: [bool; Method::ALL.len()],
}

impl Routes {
    /// No routes yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route. One for `GET` answers `HEAD` as well. What is wrong with it,
    /// [`Server::new`](crate::Server::new) says.
    #[must_use]
    pub fn route(mut self, method: Method, path: &str, action: Action) -> Self {
        if let Err(what) = self.add(method, path) {
            self.errors.push(RouteError {
                method,
                path: path.to_owned(),
                what,
            });
        }
        self.actions.push(action);
        self
    }

    /// Adds a route for `GET`.
    #[must_use]
    pub fn get(self, path: &str, action: Action) -> Self {
        self.route(Method::Get, path, action)
    }

    /// Adds a route for `POST`.
    #[must_use]
    pub fn post(self, path: &str, action: Action) -> Self {
        self.route(Method::Post, path, action)
    }

    /// Adds a route for `PUT`.
    #[must_use]
    pub fn put(self, path: &str, action: Action) -> Self {
        self.route(Method::Put, path, action)
    }

    /// Adds a route for `DELETE`.
    #[must_use]
    pub fn delete(self, path: &str, action: Action) -> Self {
        self.route(Method::Delete, path, action)
    }

    fn add(&mut self, method: Method, path: &str) -> Result<(), &'static str> {
        let action = self.actions.len();
        let segments = path.strip_prefix('/').ok_or("a path begins with /")?;
        if !path.bytes().all(|byte| byte.is_ascii_graphic()) || path.contains(['?', '#']) {
            return Err("a path has neither blanks, ?, # nor what is not ASCII");
        }
        let segments: Vec<&str> = segments.split('/').collect();
        if segments.len() > SEGMENTS_MAX {
            return Err("a path has at most 32 segments");
        }
        let mut names: Vec<String> = Vec::new();
        let mut node = &mut self.root;
        for (index, segment) in segments.iter().enumerate() {
            let inside = segment
                .strip_prefix('{')
                .and_then(|it| it.strip_suffix('}'));
            let Some(name) = inside else {
                if segment.contains(['{', '}']) {
                    return Err("a parameter takes a whole segment: /{name}/");
                }
                node = node.segment(segment);
                continue;
            };
            let rest = name.strip_prefix('*');
            let name = rest.unwrap_or(name);
            if name.is_empty() || names.iter().any(|other| other == name) {
                return Err("every parameter has a name of its own");
            }
            names.push(name.to_owned());
            if rest.is_some() && index + 1 < segments.len() {
                return Err("{*name} is the last segment");
            }
            let next = if rest.is_some() {
                &mut node.rest
            } else {
                &mut node.parameter
            };
            node = next.get_or_insert_default();
        }
        if names.len() > PARAMETERS_MAX {
            return Err("a path has at most 8 parameters");
        }
        let end = &mut node.ends[method as usize];
        if end.is_some() {
            return Err("there is such a route already");
        }
        *end = Some((action, names));
        Ok(())
    }

    /// The action for a path, without its query.
    pub(crate) fn find<'r>(&'r self, method: Method, path: &'r str) -> Result<Match<'r>, NoMatch> {
        let mut search = Search {
            method,
            values: [""; PARAMETERS_MAX],
            allowed: [false; Method::ALL.len()],
        };
        let path = path.strip_prefix('/').unwrap_or(path);
        if let Some((action, names)) = search.node(&self.root, Some(path), 0) {
            let parameters = Parameters {
                names,
                values: search.values,
            };
            return Ok(Match {
                action: *action,
                parameters,
            });
        }
        let allowed = search.allowed;
        let exists = allowed.contains(&true);
        let status = if exists {
            Status::METHOD_NOT_ALLOWED
        } else {
            Status::NOT_FOUND
        };
        Err(NoMatch { status, allowed })
    }
}

impl Node {
    fn segment(&mut self, segment: &str) -> &mut Self {
        let found = self
            .segments
            .binary_search_by(|(it, _)| it.as_str().cmp(segment));
        let index = found.unwrap_or_else(|index| {
            self.segments
                .insert(index, (segment.to_owned(), Self::default()));
            index
        });
        &mut self.segments[index].1
    }
}

struct Search<'r> {
    method: Method,
    values: [&'r str; PARAMETERS_MAX],
    allowed: [bool; Method::ALL.len()],
}

impl<'r> Search<'r> {
    /// As deep as the tree of routes is, whatever the path.
    fn node(
        &mut self,
        node: &'r Node,
        path: Option<&'r str>,
        depth: usize,
    ) -> Option<&'r (usize, Vec<String>)> {
        let Some(path) = path else {
            return self.end(node);
        };
        let (segment, rest) = match path.split_once('/') {
            Some((segment, rest)) => (segment, Some(rest)),
            None => (path, None),
        };
        let found = node
            .segments
            .binary_search_by(|(it, _)| it.as_str().cmp(segment));
        if let Ok(index) = found
            && let Some(end) = self.node(&node.segments[index].1, rest, depth)
        {
            return Some(end);
        }
        if let Some(parameter) = &node.parameter
            && !segment.is_empty()
            && let Some(end) = self.node(parameter, rest, depth + 1)
        {
            self.values[depth] = segment;
            return Some(end);
        }
        let all = node.rest.as_ref().filter(|_| !path.is_empty())?;
        let end = self.end(all)?;
        self.values[depth] = path;
        Some(end)
    }

    fn end(&mut self, node: &'r Node) -> Option<&'r (usize, Vec<String>)> {
        let get = node.ends[Method::Get as usize].as_ref();
        let end = node.ends[self.method as usize].as_ref();
        let end = end.or(get.filter(|_| self.method == Method::Head));
        if end.is_none() {
            for (allowed, end) in self.allowed.iter_mut().zip(&node.ends) {
                *allowed |= end.is_some();
            }
            self.allowed[Method::Head as usize] |= get.is_some();
        }
        end
    }
}

#[cfg(test)]
mod tests;
