//! Which process of a distributed job this is.

use crate::env::Environment;
use crate::env::variables;

/// This process's place in its job, and the variable that told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rank {
    pub index: u64,
    pub size: u64,
    /// The variable that holds `index`.
    pub variable: &'static str,
    /// The variable that holds `size`.
    pub size_variable: &'static str,
}

/// Each launcher's pair: the rank, and the number of ranks. A rank of one
/// family says nothing about the size of another, so they are never mixed but
/// for PMIx and PALS, which publish no size of their own.
const FAMILIES: [(&str, &str); 11] = [
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
    /// The first pair that makes sense: both are integers, 0 ≤ rank < size,
    /// and more than one process. A stale `RANK` in a shell is no job.
    pub(crate) fn of(env: &Environment) -> Option<Rank> {
        let number = |name| env.text(name)?.trim().parse::<u64>().ok();
        FAMILIES.iter().find_map(|&(variable, size_variable)| {
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
