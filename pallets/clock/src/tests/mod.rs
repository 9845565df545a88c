mod corruption;
mod gaps;
mod steps;
