//! What happens to real files, on a real file system, under real accidents.

mod accidents;
mod reading;
mod sharing;
mod support;
mod users;
mod writing;
