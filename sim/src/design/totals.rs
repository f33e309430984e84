//! Totals over results of instances: which instances, which results, how they are combined.

use crate::diagnostic::{Code, Diagnostic, Refusal};
use crate::netlist::{Operation, TotalDeclaration};
use tina_engine::{Instance, InstanceResults, ResultValue};

/// A total over results, its instances already chosen.
#[derive(Clone, Debug)]
pub struct Total {
    /// Its name in the netlist.
    pub name: String,
    /// How results are combined.
    pub operation: Operation,
    /// The pattern as written.
    pub glob: String,
    /// Pattern of the name of the result.
    result_glob: String,
    /// Numbers of the instances whose paths match, ascending.
    instances: Vec<u32>,
}

impl Total {
    /// Chooses the instances of a total.
    pub(crate) fn of(
        declaration: &TotalDeclaration,
        instances: &[Instance],
    ) -> Result<Self, Refusal> {
        let glob = &declaration.glob;
        let Some((path_glob, result_glob)) = glob.rsplit_once('.') else {
            let message = format!("`{glob}` names no result");
            return Err(Diagnostic::error(Code::EmptyTotal, message)
                .at(
                    declaration.span,
                    "expected `path.result`, such as `sink[*].count`",
                )
                .into());
        };
        let matching: Vec<u32> = (0_u32..)
            .zip(instances)
            .filter(|(_, instance)| matches(path_glob, &instance.path))
            .map(|(number, _)| number)
            .collect();
        if matching.is_empty() {
            let message = format!("no instance matches `{path_glob}`");
            let diagnostic = Diagnostic::error(Code::EmptyTotal, message)
                .at(declaration.span, "matches nothing");
            let known: Vec<&str> = instances
                .iter()
                .map(|instance| instance.path.as_str())
                .collect();
            let diagnostic =
                match crate::diagnostic::nearest(path_glob, &known[..known.len().min(10_000)]) {
                    Some(path) => diagnostic.help(format!(
                        "there is `{path}`; `*` stands for any name or index"
                    )),
                    None => diagnostic,
                };
            return Err(diagnostic.into());
        }
        Ok(Self {
            name: declaration.name.text.clone(),
            operation: declaration.operation,
            glob: glob.clone(),
            result_glob: result_glob.to_owned(),
            instances: matching,
        })
    }

    /// Numbers of the instances it is taken over, ascending.
    #[must_use]
    pub fn instances(&self) -> &[u32] {
        &self.instances
    }

    /// Combines the results of a run, which stand in the order of instances.
    ///
    /// The total is a check value if any of what it takes is one.
    ///
    /// # Errors
    /// When no instance reported a result of that name.
    pub fn evaluate(&self, results: &[InstanceResults]) -> Result<ResultValue, String> {
        let mut total: Option<u64> = None;
        let mut is_check = false;
        for &instance in &self.instances {
            // Instances that report nothing may be left out.
            let found = results.binary_search_by_key(&instance, |results| results.instance);
            let entries = found.map_or(&[][..], |position| &results[position].entries);
            for (name, value) in entries {
                if !matches(&self.result_glob, name) {
                    continue;
                }
                is_check |= matches!(value, ResultValue::Check(_));
                let number = value.number();
                total = Some(total.map_or(number, |total| match self.operation {
                    Operation::Sum => total.wrapping_add(number),
                    Operation::Xor => total ^ number,
                    Operation::Min => total.min(number),
                    Operation::Max => total.max(number),
                }));
            }
        }
        match total {
            Some(total) if is_check => Ok(ResultValue::Check(total)),
            Some(total) => Ok(ResultValue::Count(total)),
            None => Err(format!(
                "total `{}`: none of {} instances reports a result that matches `{}`",
                self.name,
                self.instances.len(),
                self.result_glob
            )),
        }
    }
}

/// Whether `text` matches `glob`, where `*` stands for any characters of one name or one index.
fn matches(glob: &str, text: &str) -> bool {
    let (glob, text) = (glob.as_bytes(), text.as_bytes());
    let (mut g, mut t) = (0, 0);
    // Where the last star stands, and how far what it took reaches: on a mismatch it takes one more.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if g < glob.len() && glob[g] == b'*' {
            star = Some((g, t));
            g += 1;
        } else if g < glob.len() && glob[g] == text[t] {
            g += 1;
            t += 1;
        } else if let Some((at, taken)) = star
            && !matches!(text[taken], b'.' | b'[' | b']')
        {
            star = Some((at, taken + 1));
            g = at + 1;
            t = taken + 1;
        } else {
            return false;
        }
    }
    glob[g..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_a_name_or_an_index() {
        for (glob, text, expected) in [
            ("sink[*][*]", "sink[3][12]", true),
            ("sink[*]", "sink[3][12]", false),
            ("sink[*", "sink[3]", false),
            ("*", "sink", true),
            ("*", "tile.sink", false),
            ("*.sink", "tile.sink", true),
            ("t*e[*].c*", "tile[0].core", true),
            ("t*e[*].c*", "tile[0].ram", false),
            ("tile[0]", "tile[0]", true),
            ("a*b*c", "aXbbYc", true),
            ("", "", true),
            ("*", "", true),
            ("a", "", false),
        ] {
            assert_eq!(matches(glob, text), expected, "{glob} {text}");
        }
    }

    #[test]
    fn totals_combine_and_remember_checks() {
        let total = |operation| Total {
            name: "all".into(),
            operation,
            glob: "x[*].n*".into(),
            result_glob: "n*".into(),
            instances: vec![0, 1, 4],
        };
        let entries = vec![
            ("n", ResultValue::Count(u64::MAX)),
            ("other", ResultValue::Check(1)),
        ];
        let results = [
            InstanceResults {
                instance: 0,
                entries,
                statistics: Vec::new(),
            },
            InstanceResults {
                instance: 4,
                entries: vec![("n2", ResultValue::Count(3))],
                statistics: Vec::new(),
            },
        ];
        let value = |operation| total(operation).evaluate(&results);
        assert_eq!(value(Operation::Sum), Ok(ResultValue::Count(2)));
        assert_eq!(value(Operation::Xor), Ok(ResultValue::Count(u64::MAX ^ 3)));
        assert_eq!(value(Operation::Min), Ok(ResultValue::Count(3)));
        assert_eq!(value(Operation::Max), Ok(ResultValue::Count(u64::MAX)));
        let none = Total {
            result_glob: "missing".into(),
            ..total(Operation::Sum)
        };
        let message = none.evaluate(&results).unwrap_err();
        assert!(message.contains("`missing`"), "{message}");
    }
}
