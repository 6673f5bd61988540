//! Access lists: who besides the owner can read or write a file, and lists for the
//! owner alone.

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{
    ERROR_INSUFFICIENT_BUFFER, GENERIC_ALL, GENERIC_READ, GENERIC_WRITE, HANDLE,
};
use windows_sys::Win32::Security::*;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ALL_ACCESS, FILE_APPEND_DATA, FILE_READ_DATA, FILE_WRITE_DATA, WRITE_DAC, WRITE_OWNER,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use crate::files::read::Access;
use crate::files::sys::{check, is_error};

/// Entry types that allow access. The second one has a condition.
const ALLOWED: [u8; 2] = [0, 9];

const SECURITY_DESCRIPTOR_REVISION: u32 = 1;

/// Rights that let a user read or change the text.
const RIGHTS: u32 = FILE_READ_DATA
    | FILE_WRITE_DATA
    | FILE_APPEND_DATA
    | GENERIC_READ
    | GENERIC_WRITE
    | GENERIC_ALL
    | WRITE_DAC
    | WRITE_OWNER;

/// The system and the administrators, who are to Windows what root is to Unix,
/// and entries that stand for the owner.
const TRUSTED: [WELL_KNOWN_SID_TYPE; 4] = [
    WinLocalSystemSid,
    WinBuiltinAdministratorsSid,
    WinCreatorOwnerSid,
    WinCreatorOwnerRightsSid,
];

/// Groups that hold every user of the machine.
const EVERYONE: [WELL_KNOWN_SID_TYPE; 3] =
    [WinWorldSid, WinAuthenticatedUserSid, WinBuiltinUsersSid];

/// Memory for a structure of the system, as long as it says and aligned for it.
struct Buffer(Vec<u64>);

impl Buffer {
    fn of(bytes: u32) -> Buffer {
        Buffer(vec![0; (bytes as usize).div_ceil(size_of::<u64>())])
    }

    /// Filled by a system call that is asked for the size first.
    fn filled(call: impl Fn(*mut c_void, u32, &mut u32) -> i32) -> io::Result<Buffer> {
        let mut size = 0;
        loop {
            let mut buffer = Buffer::of(size);
            match check(call(buffer.pointer(), size, &mut size)) {
                Ok(()) => return Ok(buffer),
                Err(error) if is_error(&error, &[ERROR_INSUFFICIENT_BUFFER]) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn pointer(&mut self) -> *mut c_void {
        self.0.as_mut_ptr().cast()
    }

    fn as_pointer(&self) -> *mut c_void {
        self.0.as_ptr().cast_mut().cast()
    }
}

/// The user of this process.
pub(in crate::files) struct ProcessUser(Buffer);

impl ProcessUser {
    pub(super) fn current() -> io::Result<ProcessUser> {
        let mut token: HANDLE = null_mut();
        // SAFETY: the pseudo handle is always valid, and the pointer is live.
        check(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &mut token) })?;
        // SAFETY: the handle is new, and owned here only.
        let token = unsafe { OwnedHandle::from_raw_handle(token) };
        Buffer::filled(|buffer, size, needed| {
            // SAFETY: the buffer is as long as stated.
            unsafe { GetTokenInformation(token.as_raw_handle(), TokenUser, buffer, size, needed) }
        })
        .map(ProcessUser)
    }

    fn sid(&self) -> PSID {
        // SAFETY: the call has filled in this structure at the start of the buffer.
        unsafe { (*self.0.as_pointer().cast::<TOKEN_USER>()).User.Sid }
    }
}

/// Makes a file or directory accessible to its owner alone.
pub(in crate::files) struct OwnerOnly<'a> {
    _owner: &'a ProcessUser,
    _list: Buffer,
    descriptor: Box<SECURITY_DESCRIPTOR>,
}

impl OwnerOnly<'_> {
    /// For a file, or for a directory and all that is created in it.
    pub(in crate::files) fn new(owner: &ProcessUser, inherited: bool) -> io::Result<OwnerOnly<'_>> {
        // SAFETY: the identifier is that of the token.
        let length = unsafe { GetLengthSid(owner.sid()) };
        let size = size_of::<ACL>() as u32 + size_of::<ACCESS_ALLOWED_ACE>() as u32 + length;
        let mut list = Buffer::of(size);
        let acl = list.pointer().cast::<ACL>();
        let flags = match inherited {
            true => OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE,
            false => 0,
        };
        // SAFETY: an all-zero descriptor is a valid value.
        let mut descriptor: Box<SECURITY_DESCRIPTOR> = Box::new(unsafe { std::mem::zeroed() });
        let pointer = (&raw mut *descriptor).cast();
        // SAFETY: the list has room for one entry, and the descriptor is whole. Both,
        // and the identifier, stand on the heap for as long as the result does.
        unsafe {
            check(InitializeAcl(acl, size, ACL_REVISION))?;
            let entry =
                AddAccessAllowedAceEx(acl, ACL_REVISION, flags, FILE_ALL_ACCESS, owner.sid());
            check(entry)?;
            check(InitializeSecurityDescriptor(
                pointer,
                SECURITY_DESCRIPTOR_REVISION,
            ))?;
            check(SetSecurityDescriptorOwner(pointer, owner.sid(), 0))?;
            check(SetSecurityDescriptorDacl(pointer, 1, acl, 0))?;
            let protected = SE_DACL_PROTECTED;
            check(SetSecurityDescriptorControl(pointer, protected, protected))?;
        }
        Ok(OwnerOnly {
            _owner: owner,
            _list: list,
            descriptor,
        })
    }

    /// For a call that creates something; valid while this exists.
    pub(in crate::files) fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: (&raw const *self.descriptor).cast_mut().cast(),
            bInheritHandle: 0,
        }
    }
}

/// The access list of a file.
pub(in crate::files) struct AccessList(Buffer);

impl AccessList {
    pub(in crate::files) fn of(file: &File) -> io::Result<AccessList> {
        let what = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
        Buffer::filled(|buffer, size, needed| {
            // SAFETY: the handle is open, and the buffer as long as stated.
            unsafe { GetKernelObjectSecurity(file.as_raw_handle(), what, buffer, size, needed) }
        })
        .map(AccessList)
    }

    /// A list that lets every user do everything.
    #[cfg(test)]
    pub(super) fn open_to_everyone() -> AccessList {
        let mut buffer = Buffer::of(size_of::<SECURITY_DESCRIPTOR>() as u32);
        // SAFETY: the buffer holds a whole descriptor; no list means no limit.
        unsafe {
            InitializeSecurityDescriptor(buffer.pointer(), SECURITY_DESCRIPTOR_REVISION);
            SetSecurityDescriptorDacl(buffer.pointer(), 1, null_mut(), 0);
        }
        AccessList(buffer)
    }

    /// One that no system takes.
    #[cfg(test)]
    pub(super) fn malformed() -> AccessList {
        AccessList(Buffer::of(size_of::<SECURITY_DESCRIPTOR>() as u32))
    }

    /// Gives another file the same list. That file is open for it (`WRITE_DAC`).
    pub(super) fn give_to(&self, file: &File) -> io::Result<()> {
        let (handle, descriptor) = (file.as_raw_handle(), self.0.as_pointer());
        // SAFETY: the handle is open, and the descriptor is what the system filled in.
        check(unsafe { SetKernelObjectSecurity(handle, DACL_SECURITY_INFORMATION, descriptor) })
    }

    /// Who besides the owner and this user can read or write the file. Entries that
    /// deny access are ignored: the answer is never too good.
    pub(in crate::files) fn access(&self) -> Access {
        let Some(acl) = self.acl() else {
            return Access {
                others: true,
                everyone: true,
            };
        };
        let user = ProcessUser::current().ok();
        let owners = [
            self.owner(),
            user.as_ref().map_or(null_mut(), ProcessUser::sid),
        ];
        let mut access = Access::default();
        // SAFETY: the list belongs to the descriptor, which is valid.
        for index in 0..u32::from(unsafe { (*acl).AceCount }) {
            let Some(sid) = allowed_sid(acl, index) else {
                continue;
            };
            access.others |=
                !owners.iter().any(|&owner| is_equal(owner, sid)) && !is_one_of(sid, &TRUSTED);
            access.everyone |= is_one_of(sid, &EVERYONE);
        }
        access
    }

    /// The list; `None` where everybody may do everything.
    fn acl(&self) -> Option<*mut ACL> {
        let (mut present, mut acl, mut defaulted) = (0, null_mut(), 0);
        // SAFETY: the descriptor is what the system filled in; the pointers are live.
        let found = unsafe {
            GetSecurityDescriptorDacl(self.0.as_pointer(), &mut present, &mut acl, &mut defaulted)
        };
        (found != 0 && present != 0 && !acl.is_null()).then_some(acl)
    }

    /// NULL if the file has no owner.
    fn owner(&self) -> PSID {
        let (mut owner, mut defaulted) = (null_mut(), 0);
        // SAFETY: the descriptor is what the system filled in; the pointers are live.
        unsafe { GetSecurityDescriptorOwner(self.0.as_pointer(), &mut owner, &mut defaulted) };
        owner
    }
}

/// Whom an entry lets read or write; `None` for an entry that does not.
fn allowed_sid(acl: *const ACL, index: u32) -> Option<PSID> {
    let mut entry = null_mut();
    // SAFETY: the list is valid, and the pointer is live.
    check(unsafe { GetAce(acl, index, &mut entry) }).ok()?;
    let entry: *mut ACCESS_ALLOWED_ACE = entry.cast();
    // SAFETY: every entry begins with a header.
    let header = unsafe { (*entry).Header };
    if !ALLOWED.contains(&header.AceType) || u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0 {
        return None;
    }
    // SAFETY: an entry of these types has a mask, and an identifier after it.
    let (mask, sid) = unsafe { ((*entry).Mask, (&raw mut (*entry).SidStart).cast()) };
    (mask & RIGHTS != 0).then_some(sid)
}

fn is_equal(a: PSID, b: PSID) -> bool {
    // SAFETY: both are valid identifiers where they are not NULL.
    !a.is_null() && unsafe { EqualSid(a, b) } != 0
}

fn is_one_of(sid: PSID, kinds: &[WELL_KNOWN_SID_TYPE]) -> bool {
    // SAFETY: the identifier is valid.
    kinds
        .iter()
        .any(|&kind| unsafe { IsWellKnownSid(sid, kind) } != 0)
}
