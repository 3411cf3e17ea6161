//! Figures of several runs in a few words.

/// The middle of what was measured, and its ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Summary {
    median: f64,
    min: f64,
    max: f64,
}

impl Summary {
    /// `None` where nothing was measured. The median of an even number is the mean of the two in the middle.
    pub(super) fn of(figures: &[f64]) -> Option<Self> {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self { median, min, max })
    }

    /// The median, and the range where there is one to be seen.
    pub(super) fn text(self) -> String {
        let [median, min, max] = [self.median, self.min, self.max].map(figure);
        if min == max { median } else { format!("{median} ({min}–{max})") }
    }
}

/// A number with three digits that count; from a hundred on without a fraction, with commas.
fn figure(number: f64) -> String {
    let size = number.abs();
    if size >= 99.95 {
        return with_commas(number.round());
    }
    let decimals = match size {
        s if s >= 9.995 => 1,
        s if s >= 0.9995 || s == 0.0 => 2,
        _ => 3,
    };
    format!("{number:.decimals$}")
}

fn with_commas(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0.0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(Summary::of(&[3.0, 1.0, 9.0]), Some(Summary { median: 3.0, min: 1.0, max: 9.0 }));
        assert_eq!(Summary::of(&[4.0, 1.0, 9.0, 2.0]), Some(Summary { median: 3.0, min: 1.0, max: 9.0 }));
    }

    #[test]
    fn a_range_that_cannot_be_seen_is_not_shown() {
        assert_eq!(Summary::of(&[1.0, 1.0004]).unwrap().text(), "1.00");
        assert_eq!(Summary::of(&[1.05, 1.15, 1.1]).unwrap().text(), "1.10 (1.05–1.15)");
    }

    #[test]
    fn figures_have_three_digits_that_count() {
        let shown = [0.0, 0.0123, 0.98765, 9.994, 9.996, 99.94, 99.96, 1234.5, -1_234_567.0].map(figure);
        assert_eq!(shown, ["0.00", "0.012", "0.988", "9.99", "10.0", "99.9", "100", "1,235", "-1,234,567"]);
    }
}
