//! Which route answers which path.

use super::*;
use crate::response::{Response, Sent};

fn nothing() -> Action {
    Action::plain(|_: &crate::Request<'_>, response: Response<'_>| -> Sent { response.empty() })
}

fn find(routes: &Routes, method: Method, path: &str) -> String {
    match routes.find(method, path) {
        Ok(Match { action, parameters }) => {
            let pairs = parameters.names.iter().zip(parameters.values);
            let pairs = pairs.map(|(name, value)| format!(" {name}={value}"));
            format!("{action}{}", pairs.collect::<String>())
        }
        Err(NoMatch { status, allowed }) => {
            let methods = Method::ALL.iter().zip(allowed).filter(|(_, is)| *is);
            let methods = methods.map(|(method, _)| format!(" {method}"));
            format!("{}{}", status.number(), methods.collect::<String>())
        }
    }
}

#[test]
fn the_most_exact_route_answers() {
    let routes = Routes::new()
        .get("/", nothing())
        .get("/users/{id}", nothing())
        .get("/users/me", nothing())
        .put("/users/{id}", nothing())
        .get("/users/{id}/posts/{post}", nothing())
        .get("/users/me/likes", nothing())
        .get("/files/{*path}", nothing())
        .get("/files/{name}", nothing());
    assert_eq!(routes.errors, []);
    let cases = [
        ("/", "0"),
        ("/users/7", "1 id=7"),
        ("/users/me", "2"),
        ("/users/me/posts/9", "4 id=me post=9"),
        ("/users/me/likes", "5"),
        ("/users/7/likes", "404"),
        ("/users/", "404"),
        ("/users", "404"),
        ("/files/a/b/", "6 path=a/b/"),
        ("/files/a", "7 name=a"),
        ("/files/", "404"),
        ("//", "404"),
        ("*", "404"),
    ];
    for (path, expected) in cases {
        assert_eq!(find(&routes, Method::Get, path), expected, "{path}");
    }
    assert_eq!(find(&routes, Method::Head, "/"), "0");
    assert_eq!(find(&routes, Method::Put, "/users/7"), "3 id=7");
    assert_eq!(find(&routes, Method::Post, "/users/7"), "405 GET HEAD PUT");
    // The route that is spelled out has no PUT, but the other has.
    assert_eq!(find(&routes, Method::Put, "/users/me"), "3 id=me");
}

#[test]
fn wrong_routes_are_all_named() {
    let paths = [
        "users",
        "/a b",
        "/a{b}",
        "/{}",
        "/{a}/{a}",
        "/{*a}/b",
        "/a",
        "/a",
        "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}",
    ];
    let routes = paths
        .iter()
        .fold(Routes::new(), |routes, path| routes.get(path, nothing()));
    let errors: Vec<String> = routes.errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "route GET users: a path begins with /",
            "route GET /a b: a path has neither blanks, ?, # nor what is not ASCII",
            "route GET /a{b}: a parameter takes a whole segment: /{name}/",
            "route GET /{}: every parameter has a name of its own",
            "route GET /{a}/{a}: every parameter has a name of its own",
            "route GET /{*a}/b: {*name} is the last segment",
            "route GET /a: there is such a route already",
            "route GET /{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}: a path has at most 8 parameters",
        ]
    );
}
