//! The rank of this process in a distributed job.

use crate::env::Environment;
use crate::env::variables;

/// The rank of this process, and the variables it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rank {
    pub index: u64,
    pub size: u64,
    /// The variable that holds `index`.
    pub variable: &'static str,
    /// The variable that holds `size`.
    pub size_variable: &'static str,
}

/// The variables of each launcher: rank and number of ranks. They are never
/// mixed, except for PMIx and PALS, which publish no size of their own.
const LAUNCHERS: [(&str, &str); 11] = [
    (variables::RANK, variables::WORLD_SIZE),
    (variables::OMPI_RANK, variables::OMPI_SIZE),
    (variables::PMI_RANK, variables::PMI_SIZE),
    (variables::MV2_RANK, variables::MV2_SIZE),
    (variables::SLURM_RANK, variables::SLURM_SIZE),
    (variables::FLUX_RANK, variables::FLUX_SIZE),
    (variables::JSM_RANK, variables::JSM_SIZE),
    (variables::PMIX_RANK, variables::PMI_SIZE),
    (variables::PMIX_RANK, variables::OMPI_SIZE),
    (variables::PALS_RANK, variables::PMI_SIZE),
    (variables::PALS_RANK, variables::OMPI_SIZE),
];

impl Rank {
    /// The first valid pair: two integers, 0 ≤ rank < size, and size > 1. So a
    /// stale `RANK` in a shell is ignored.
    pub(crate) fn detect(env: &Environment) -> Option<Rank> {
        let number = |name| env.text(name)?.trim().parse::<u64>().ok();
        LAUNCHERS.iter().find_map(|&(variable, size_variable)| {
            let index = number(variable)?;
            let size = number(size_variable)?;
            (index < size && size > 1).then_some(Rank {
                index,
                size,
                variable,
                size_variable,
            })
        })
    }
}
