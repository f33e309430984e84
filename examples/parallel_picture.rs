//! What one would use Rayon for: a picture of the Mandelbrot set, row by row, on a pool of threads, while the
//! shard that hands out the rows goes on answering.
//!
//! What to look at: [`Context::offload`], whose result comes back as the end of a call; a pool that is
//! full refuses, and the painter waits for a row to end before it offers the next; memory is taken before
//! and filled in place. With a number of threads as argument, times are printed, one thread against so many.

use std::sync::{Arc, Mutex};
use std::time::Duration;
use tina_engine::runtime::{
    Child, Context, Effect, Event, Isolate, KindLimits, NotOffloaded, PoolId, ReplyTo, Runtime,
    Specification, Strategy, SupervisorSpec,
};
use tina_sim::run::Stopwatch;

const WIDTH: usize = 640;
const HEIGHT: usize = 480;
const ROUNDS_MAX: u32 = 500;
/// Rows that may wait in the pool.
const JOBS: usize = 8;
const PATIENCE: Duration = Duration::from_secs(60);

type Row = Mutex<[u16; WIDTH]>;
type Picture = Arc<[Row]>;

fn empty_picture() -> Picture {
    (0..HEIGHT).map(|_| Mutex::new([0; WIDTH])).collect()
}

/// Rounds until a point runs away; as many as are tried if it stays.
fn rounds(re: f64, im: f64) -> u32 {
    let (mut x, mut y) = (0.0, 0.0);
    for round in 0..ROUNDS_MAX {
        if x * x + y * y > 4.0 {
            return round;
        }
        (x, y) = (x * x - y * y + re, 2.0 * x * y + im);
    }
    ROUNDS_MAX
}

/// Fills a row; how many of its points stay.
fn paint(picture: &[Row], row: usize) -> u64 {
    let mut inside = 0;
    let im = (row as f64 + 0.5) / HEIGHT as f64 * 2.4 - 1.2;
    let mut points = picture[row].lock().expect("no painter panics");
    for (column, point) in points.iter_mut().enumerate() {
        let re = (column as f64 + 0.5) / WIDTH as f64 * 3.2 - 2.2;
        let rounds = rounds(re, im);
        inside += u64::from(rounds == ROUNDS_MAX);
        *point = rounds as u16;
    }
    inside
}

/// Paint it, and say how many points stay.
struct Order(ReplyTo<u64>);

/// Hands out rows, and adds up what they bring.
struct Painter {
    picture: Picture,
    pool: PoolId,
    next_row: usize,
    rows_done: usize,
    inside: u64,
    customer: Option<ReplyTo<u64>>,
}

impl Painter {
    /// Gives rows to the pool until it takes no more.
    fn hand_out(&mut self, context: &mut Context<'_, Self>) {
        while self.next_row < HEIGHT {
            let (picture, row) = (self.picture.clone(), self.next_row);
            let given = context.offload(self.pool, PATIENCE, move || paint(&picture, row));
            match given {
                Ok(_) => self.next_row += 1,
                Err(NotOffloaded::PoolFull | NotOffloaded::QuotaUsedUp) => return,
            }
        }
    }
}

impl Isolate for Painter {
    const KIND: &'static str = "painter";
    type Message = Order;
    type Init = Picture;

    fn start(picture: Picture, context: &mut Context<'_, Self>) -> Result<Self, &'static str> {
        let pool = context.pool("painters").ok_or("there are no painters")?;
        Ok(Self {
            picture,
            pool,
            next_row: 0,
            rows_done: 0,
            inside: 0,
            customer: None,
        })
    }

    fn handle(&mut self, event: Event<Order>, context: &mut Context<'_, Self>) -> Effect {
        match event {
            Event::Message(Order(customer)) => self.customer = Some(customer),
            Event::Reply(reply) => match reply.open::<u64>() {
                Ok(Ok(inside)) => {
                    self.rows_done += 1;
                    self.inside += inside;
                }
                _ => return Effect::Crash("a row failed"),
            },
            Event::Stopping => return Effect::Done,
            _ => {}
        }
        if self.customer.is_some() {
            self.hand_out(context);
        }
        if self.rows_done == HEIGHT
            && let Some(customer) = self.customer.take()
        {
            context.reply(customer, self.inside);
        }
        Effect::Receive
    }
}

/// Paints the picture with so many threads; the points that stay, and the seconds it took.
fn paint_with(threads: usize, picture: &Picture) -> Result<(u64, f64), Box<dyn std::error::Error>> {
    let limits = KindLimits {
        calls: (2 * JOBS) as u16,
        ..KindLimits::slots(1)
    };
    let studio = SupervisorSpec::new("studio", Strategy::OneForOne)
        .child(Child::new::<Painter>(picture.clone()).named("painter"));
    let specification = Specification::new(1)
        .kind::<Painter>(limits)
        .pool("painters", threads, JOBS)
        .tree(studio);
    let mut runtime = Runtime::boot(specification)?;
    let painter = runtime
        .find("painter")
        .ok_or("the painter is there from the start")?;
    let watch = Stopwatch::start();
    let inside = runtime.call(painter, PATIENCE, Order)?;
    let seconds = watch.seconds();
    runtime.shutdown(PATIENCE);
    Ok((inside, seconds))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let threads = std::env::args().nth(1);
    let threads: Option<usize> = threads.map(|text| text.parse()).transpose()?;
    let one_by_one = empty_picture();
    let inside: u64 = (0..HEIGHT).map(|row| paint(&one_by_one, row)).sum();
    let picture = empty_picture();
    let (inside_pool, time) = paint_with(threads.unwrap_or(2), &picture)?;
    let rows = one_by_one.iter().zip(picture.iter());
    let same = rows.filter(|(one, other)| {
        *one.lock().expect("nobody paints now") == *other.lock().expect("nobody paints now")
    });
    println!("{HEIGHT} rows, {} as they were one by one", same.count());
    println!("points that stay: {inside_pool}, one by one {inside}");
    if let Some(threads) = threads {
        let (_, alone) = paint_with(1, &empty_picture())?;
        let ratio = alone / time;
        println!("1 thread {alone:.3} s, {threads} threads {time:.3} s: {ratio:.2} times as fast");
    }
    Ok(())
}
