//! Queues: doubly linked, so that all costs the same however many wait.

use codec::FullCodec;
use frame_support::storage::StorageMap;
use sp_runtime::{ArithmeticError, DispatchError};

use crate::{Queue, Queued, RequestId};

impl Queue {
	/// Put `request` at the end. `Map` holds this queue's requests.
	pub(crate) fn push<Map, Request>(&mut self, request: Request) -> Result<RequestId, DispatchError>
	where
		Map: StorageMap<RequestId, Queued<Request>, Query = Option<Queued<Request>>>,
		Request: FullCodec,
	{
		let id = self.next_id;
		self.next_id = id.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		self.append::<Map, Request>(id, request)?;
		Ok(id)
	}

	/// Take `id` out, wherever it stands.
	pub(crate) fn remove<Map, Request>(&mut self, id: RequestId) -> Option<Request>
	where
		Map: StorageMap<RequestId, Queued<Request>, Query = Option<Queued<Request>>>,
		Request: FullCodec,
	{
		let Queued {
			request,
			before,
			after,
		} = Map::take(id)?;
		match before {
			Some(before) => Self::edit::<Map, Request>(before, |queued| queued.after = after),
			None => self.first = after,
		}
		match after {
			Some(after) => Self::edit::<Map, Request>(after, |queued| queued.before = before),
			None => self.last = before,
		}
		// What is taken out was counted.
		self.count = self.count.saturating_sub(1);
		Some(request)
	}

	/// Change a request that waits; nothing where there is none.
	pub(crate) fn edit<Map, Request>(id: RequestId, change: impl FnOnce(&mut Queued<Request>))
	where
		Map: StorageMap<RequestId, Queued<Request>, Query = Option<Queued<Request>>>,
		Request: FullCodec,
	{
		Map::mutate_exists(id, |queued| {
			if let Some(queued) = queued {
				change(queued)
			}
		});
	}

	/// Put `request` at the end under the name `id`, which no other has.
	pub(crate) fn append<Map, Request>(
		&mut self,
		id: RequestId,
		request: Request,
	) -> Result<(), DispatchError>
	where
		Map: StorageMap<RequestId, Queued<Request>, Query = Option<Queued<Request>>>,
		Request: FullCodec,
	{
		self.count = self.count.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		let before = self.last.replace(id);
		match before {
			Some(before) => Self::edit::<Map, Request>(before, |queued| queued.after = Some(id)),
			None => self.first = Some(id),
		}
		Map::insert(
			id,
			Queued {
				request,
				before,
				after: None,
			},
		);
		Ok(())
	}

	/// All who wait, in order, with their names. At most as many as are counted.
	pub(crate) fn walk<Map, Request>(self) -> impl Iterator<Item = (RequestId, Request)>
	where
		Map: StorageMap<RequestId, Queued<Request>, Query = Option<Queued<Request>>>,
		Request: FullCodec,
	{
		let (mut next, mut left) = (self.first, self.count);
		core::iter::from_fn(move || {
			left = left.checked_sub(1)?;
			let id = next?;
			let queued = Map::get(id)?;
			next = queued.after;
			Some((id, queued.request))
		})
	}
}
