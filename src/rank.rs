//! Which process of a distributed job this is.

use crate::world::World;

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
    ("RANK", "WORLD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ("FLUX_TASK_RANK", "FLUX_JOB_SIZE"),
    ("JSM_NAMESPACE_RANK", "JSM_NAMESPACE_SIZE"),
    ("PMIX_RANK", "PMI_SIZE"),
    ("PMIX_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PALS_RANKID", "PMI_SIZE"),
    ("PALS_RANKID", "OMPI_COMM_WORLD_SIZE"),
];

impl Rank {
    /// The first pair that makes sense: both are integers, 0 ≤ rank < size,
    /// and more than one process. A stale `RANK` in a shell is no job.
    pub fn of(world: &World) -> Option<Rank> {
        let number = |name| world.text(name)?.trim().parse::<u64>().ok();
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
