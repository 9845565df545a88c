//! The recorded crashes, read from where the replay script keeps them.

use std::io::Read;

/// One bar: open, high, low and close from `time`, in seconds.
#[derive(Clone, Copy)]
pub struct Bar {
	pub time: u64,
	pub open: f64,
	pub high: f64,
	pub low: f64,
	pub close: f64,
}

impl Bar {
	/// Through a bar as such bars are made: against the close first, then to the other extreme, then to the close.
	fn at(&self, fraction: f64) -> f64 {
		let points = if self.close >= self.open {
			[self.open, self.low, self.high, self.close]
		} else {
			[self.open, self.high, self.low, self.close]
		};
		let position = fraction.clamp(0.0, 1.0) * 3.0;
		let segment = (position as usize).min(2);
		points[segment] + (points[segment + 1] - points[segment]) * (position - segment as f64)
	}
}

/// A recorded series.
pub struct Series(Vec<Bar>);

impl Series {
	pub fn load(file: &str) -> Self {
		let path = format!(
			"{}/../scripts/e2e/crash/data/{file}.csv.gz",
			env!("CARGO_MANIFEST_DIR")
		);
		let bytes = std::fs::File::open(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
		let mut text = String::new();
		flate2::read::GzDecoder::new(bytes)
			.read_to_string(&mut text)
			.unwrap();
		let number = |s: Option<&str>| s.unwrap().parse::<f64>().unwrap();
		Self(
			text.lines()
				.skip(1)
				.map(|line| {
					let mut cells = line.split(',');
					let time = number(cells.next()) as u64;
					let mut next = || number(cells.next());
					Bar {
						time,
						open: next(),
						high: next(),
						low: next(),
						close: next(),
					}
				})
				.collect(),
		)
	}

	pub fn price(&self, time: u64) -> f64 {
		let length = self.0[1].time - self.0[0].time;
		let index = self.0.partition_point(|bar| bar.time <= time).saturating_sub(1);
		let bar = self.0[index];
		bar.at((time - bar.time) as f64 / length as f64)
	}
}
