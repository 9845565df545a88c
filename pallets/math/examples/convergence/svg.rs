//! Line charts as SVG: axes, ticks, legend, a shaded band, a second axis.

use std::fmt::Write;

#[derive(Clone, Copy)]
pub struct Colour(&'static str);

pub const BLUE: Colour = Colour("#1f5fa8");
pub const ORANGE: Colour = Colour("#d9730d");
pub const GREEN: Colour = Colour("#2f8f5b");
pub const PURPLE: Colour = Colour("#8250a8");
pub const GREY: Colour = Colour("#6b7280");
pub const FAINT: Colour = Colour("#b9c0ca");

pub type Points = Vec<(f64, f64)>;

pub struct Line {
	pub name: String,
	pub colour: Colour,
	pub points: Points,
	/// From, to.
	pub band: Option<(Points, Points)>,
	/// Does a value hold until the next point?
	pub steps: bool,
	/// Does the axis on the right measure it?
	pub right: bool,
}

impl Default for Line {
	fn default() -> Self {
		Self {
			name: String::new(),
			colour: GREY,
			points: Vec::new(),
			band: None,
			steps: false,
			right: false,
		}
	}
}

pub struct Chart {
	pub title: String,
	pub subtitle: String,
	pub x: String,
	pub left: String,
	pub right: Option<String>,
	pub lines: Vec<Line>,
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 520.0;
const TOP: f64 = 108.0;
const BOTTOM: f64 = 460.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 884.0;
const GRID: &str = "#e3e6ea";
const INK: &str = "#1f2933";

/// One axis: what it spans, and where on the page.
struct Axis {
	low: f64,
	high: f64,
	step: f64,
	from: f64,
	to: f64,
}

impl Axis {
	/// Round numbers around the values.
	fn around(values: impl Iterator<Item = f64>, ticks: f64, from: f64, to: f64) -> Self {
		let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
			(low.min(value), high.max(value))
		});
		let step = round_step((high - low).max(1e-9) / ticks);
		Self {
			low: (low / step).floor() * step,
			high: (high / step).ceil() * step,
			step,
			from,
			to,
		}
	}

	fn at(&self, value: f64) -> f64 {
		self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
	}

	/// Where, and what is written there.
	fn ticks(&self) -> Vec<(f64, String)> {
		let (first, last) = (
			(self.low / self.step).ceil() as i32,
			(self.high / self.step).floor() as i32,
		);
		let decimals = (-self.step.log10().floor()).max(0.0) as usize;
		(first..=last)
			.map(|tick| {
				let value = f64::from(tick) * self.step;
				(self.at(value), format!("{value:.decimals$}"))
			})
			.collect()
	}
}

/// 1, 2 or 5 times a power of ten, at least `wanted`.
fn round_step(wanted: f64) -> f64 {
	let power = 10f64.powf(wanted.log10().floor());
	[1.0, 2.0, 5.0, 10.0]
		.into_iter()
		.map(|factor| factor * power)
		.find(|step| *step >= wanted * 0.999)
		.unwrap_or(10.0 * power)
}

impl Chart {
	pub fn to_svg(&self) -> String {
		let points = |right: bool| {
			self.lines
				.iter()
				.filter(move |line| line.right == right)
				.flat_map(|line| {
					let band = line.band.iter().flat_map(|(from, to)| from.iter().chain(to));
					line.points.iter().chain(band)
				})
		};
		let all = || points(false).chain(points(true));
		let mut x = Axis::around(all().map(|point| point.0), 14.0, LEFT, RIGHT);
		// The plot ends where the data does.
		x.high = all().map(|point| point.0).fold(f64::NEG_INFINITY, f64::max);
		x.low = all().map(|point| point.0).fold(f64::INFINITY, f64::min);
		let left = Axis::around(points(false).map(|point| point.1), 8.0, BOTTOM, TOP);
		let right = self
			.right
			.as_ref()
			.map(|_| Axis::around(points(true).map(|point| point.1), 8.0, BOTTOM, TOP));

		let mut out = String::new();
		self.draw(&mut out, &x, &left, right.as_ref())
			.expect("writing to a string does not fail");
		out
	}

	fn draw(&self, out: &mut String, x: &Axis, left: &Axis, right: Option<&Axis>) -> std::fmt::Result {
		writeln!(
			out,
			"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
			 font-family=\"Helvetica, Arial, sans-serif\" font-size=\"14\" fill=\"{INK}\">"
		)?;
		writeln!(
			out,
			"<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>"
		)?;
		writeln!(
			out,
			"<text x=\"{LEFT}\" y=\"30\" font-size=\"20\" font-weight=\"bold\">{}</text>",
			self.title
		)?;
		writeln!(
			out,
			"<text x=\"{LEFT}\" y=\"53\" fill=\"#52606d\">{}</text>",
			self.subtitle
		)?;
		self.draw_axes(out, x, left, right)?;
		// What is measured on the right stays behind.
		for line in self.lines.iter().filter(|line| line.right) {
			line.draw(out, x, right.unwrap_or(left))?;
		}
		for line in self.lines.iter().filter(|line| !line.right) {
			line.draw(out, x, left)?;
		}
		self.draw_legend(out)?;
		writeln!(out, "</svg>")
	}

	fn draw_axes(&self, out: &mut String, x: &Axis, left: &Axis, right: Option<&Axis>) -> std::fmt::Result {
		for (y, label) in left.ticks() {
			// Zero, if it is shown, is where nobody pays.
			let colour = if label.parse() == Ok(0.0) { "#8a94a0" } else { GRID };
			writeln!(
				out,
				"<path d=\"M{LEFT} {y:.1}H{RIGHT}\" stroke=\"{colour}\"/>\
				 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
				LEFT - 8.0,
				y + 5.0
			)?;
		}
		for (y, label) in right.map(Axis::ticks).unwrap_or_default() {
			writeln!(
				out,
				"<text x=\"{:.1}\" y=\"{:.1}\" fill=\"#7b8794\">{label}</text>",
				RIGHT + 8.0,
				y + 5.0
			)?;
		}
		for (place, label) in x.ticks() {
			writeln!(
				out,
				"<path d=\"M{place:.1} {TOP}V{:.1}\" stroke=\"{GRID}\"/>\
				 <text x=\"{place:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
				BOTTOM + 5.0,
				BOTTOM + 22.0
			)?;
		}
		writeln!(
			out,
			"<path d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\" fill=\"none\" stroke=\"{INK}\"/>\
			 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
			(LEFT + RIGHT) / 2.0,
			HEIGHT - 14.0,
			self.x
		)?;
		let middle = (TOP + BOTTOM) / 2.0;
		let mut upright = |x: f64, angle: i32, colour: &str, label: &str| {
			writeln!(
				out,
				"<text transform=\"translate({x:.1} {middle:.1}) rotate({angle})\" text-anchor=\"middle\" \
				 fill=\"{colour}\">{label}</text>"
			)
		};
		upright(24.0, -90, INK, &self.left)?;
		upright(
			WIDTH - 14.0,
			90,
			"#7b8794",
			self.right.as_deref().unwrap_or_default(),
		)
	}

	fn draw_legend(&self, out: &mut String) -> std::fmt::Result {
		let mut x = LEFT;
		for line in &self.lines {
			writeln!(
				out,
				"<path d=\"M{x:.1} 80h22\" stroke=\"{}\" stroke-width=\"3\"/>\
				 <text x=\"{:.1}\" y=\"85\">{}</text>",
				line.colour.0,
				x + 28.0,
				line.name
			)?;
			x += 52.0 + 7.0 * line.name.chars().count() as f64;
		}
		Ok(())
	}
}

impl Line {
	fn draw(&self, out: &mut String, x: &Axis, y: &Axis) -> std::fmt::Result {
		let place = |point: &(f64, f64)| format!("{:.1} {:.1}", x.at(point.0), y.at(point.1));
		if let Some((from, to)) = &self.band {
			let around: Vec<String> = from.iter().chain(to.iter().rev()).map(place).collect();
			writeln!(
				out,
				"<path d=\"M{}Z\" fill=\"{}\" opacity=\"0.15\"/>",
				around.join("L"),
				self.colour.0
			)?;
		}
		let mut path = String::new();
		let mut before: Option<&(f64, f64)> = None;
		for point in &self.points {
			match before {
				None => write!(path, "M{}", place(point))?,
				Some(before) if self.steps => {
					write!(path, "L{}L{}", place(&(point.0, before.1)), place(point))?;
				}
				Some(_) => write!(path, "L{}", place(point))?,
			}
			before = Some(point);
		}
		writeln!(
			out,
			"<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"/>",
			self.colour.0,
			if self.right { 1.2 } else { 2.2 }
		)
	}
}
