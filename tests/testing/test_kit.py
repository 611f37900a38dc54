"""The conformance kit catches what breaks the contract: a broken toy for each of its tests."""

import time

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from spoonbill import Frozen, KeyLayer, Layer, ValueLayer
from spoonbill.backends import Memory
from spoonbill.common.sentinels import MISSING
from spoonbill.common.traits import Guarantees, Limits
from spoonbill.errors import KeyTooLongError, StoreError
from spoonbill.testing import BackendContract, LayerContract, machine_for, refuses_every_write
from tests.contract.planted import caches, contents, pages, threads
from tests.contract.planted.running import rules, run


class Toy(Memory):
    """A whole store, of which each toy below breaks one promise."""


class ForgetsDeletes(Toy):
    def delete(self, key):
        return key in self._mapping


class MergesValues(Toy):
    def set(self, key, value, **options):
        self._mapping[key] = self.get(key, b"") + value

    __setitem__ = set


class AnswersNoneForAbsence(Toy):
    def __getitem__(self, key):
        return self.get(key)


class ListsTwice(Toy):
    def iter(self):
        return iter([*self._mapping, *self._mapping])


class DropsDuplicates(Toy):
    def get_many(self, keys, default=None):
        return [self.get(key, default) for key in dict.fromkeys(keys)]


class AddOverwrites(Toy):
    def add(self, key, value):
        self.set(key, value)
        return True


class ClearLeavesOne(Toy):
    def clear(self):
        for key in list(self._mapping)[1:]:
            del self._mapping[key]


class LiveIteration(Toy):
    def iter(self):
        return iter(self._mapping)


class LimitsBeforeMatching(Toy):
    def select(self, query):
        return iter(list(super().select(query))[:1])


class NarrowsTooFar(Toy):
    def select(self, query):
        return ((key, value) for key, value in super().select(query) if key < "a/")


class SharesOverlap(Toy):
    def split(self, count):
        return super().split(1) * count if count > 0 else super().split(count)


class ForgetsTheTtl(Toy):
    def set(self, key, value, *, ttl=None):
        self._mapping[key] = value


class FindsOddKeys(Toy):
    def has(self, key):
        return not isinstance(key, str) or key in self._mapping

    __contains__ = has


class ReplacesNothing(Toy):
    def replace_all(self, pairs):
        self.set_many(pairs)


class AddRaces(Toy):
    def add(self, key, value):
        if self.has(key):
            return False
        time.sleep(0.001)
        self.set(key, value)
        return True


class ShowsItsData(Toy):
    def __repr__(self):
        return f"ShowsItsData({self._mapping})"


class PicklesEmpty(Toy):
    def __reduce__(self):
        return PicklesEmpty, ()


class CountsOneMore(Toy):
    def count(self):
        return len(self._mapping) + 1

    def __len__(self):
        return len(self._mapping)


class EmptyBatchClears(Toy):
    def delete_many(self, keys):
        keys = list(keys)
        if not keys:
            self._mapping.clear()
        return super().delete_many(keys)


class TakesAnyArgument(Toy):
    def update(self, other=(), /, **more):
        for pair in other.items() if hasattr(other, "items") else other:
            self.set(pair[0], pair[-1])


class SaysNothing(Toy):
    guarantees = Guarantees(threads="")


class ChangesOnTheWay(Toy):
    """Gives back what was set, but holds something else."""

    def set(self, key, value, **options):
        self._mapping[key] = value[::-1]

    def __setitem__(self, key, value):
        self.set(key, value)

    def get(self, key, default=None):
        value = super().get(key, MISSING)
        return default if value is MISSING else value[::-1]

    def __getitem__(self, key):
        return self._mapping[key][::-1]


class Remembers(Toy):
    """Reads from a memory of its own in place of the medium."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.seen = {}

    def get(self, key, default=None):
        if key not in self.seen:
            value = super().get(key, MISSING)
            if value is MISSING:
                return default
            self.seen[key] = value
        return self.seen[key]

    def delete(self, key):
        self.seen.pop(key, None)
        return super().delete(key)


class NotLayerable(Toy):
    def get_many(self, keys, default=None):
        if not isinstance(keys, list):
            return []
        return super().get_many(keys, default)

    def set_many(self, pairs):
        super().set_many(pairs if isinstance(pairs, list) else [])

    def update(self, other=(), /, **more):
        self.set_many(list(dict(other, **more).items()))


class LimitUnchecked(Toy):
    limits = Limits(key_bytes=20)


class LimitChecked(LimitUnchecked):
    def check(self, key, value):
        if len(key.encode()) > 20:
            raise KeyTooLongError(f"the key of {len(key)} bytes is longer than 20")

    def set(self, key, value, **options):
        self.check(key, value)
        self._mapping[key] = value


class FailuresAreAbsence(Layer):
    def get(self, key, default=None):
        try:
            return self.inner.get(key, default)
        except StoreError:
            return default


class TakesBatchesApart(ValueLayer):
    def get_many(self, keys, default=None):
        return [self.get(key, default) for key in keys]


class ClaimsTooMuch(Layer):
    def native(self, verb):
        return True


class ClearsTheNeighbours(KeyLayer):
    owns_all = True

    def down(self, key):
        return f"mine:{key}"

    def up(self, key):
        return key[5:]


class HasItsOwnBottom(Layer):
    @property
    def raw(self):
        return self


class ListsForEach(Toy):
    """Lists its keys anew for each pair that is taken."""

    def popitem(self):
        for key in self.iter():
            return key, self.pop(key)
        raise KeyError


BROKEN = {
    "test_no_page_is_cut": pages.cut(1000)[0],
    "test_batches_take_any_iterable": pages.ReadsAnIterableTwice,
    "test_a_loop_that_writes_lists_every_key_once": pages.ListsMovedKeysTwice,
    "test_every_read_sees_every_write": caches.StaleAfterUpdate,
    "test_one_thread_wins_a_step": threads.PopInTwoSteps,
    "test_threads_keep_each_others_keys": threads.SetLosesKeys,
    "test_keys_that_look_alike_are_apart": contents.FoldsToComposed,
    "test_values_keep_their_ends": contents.StripsTrailingNul,
    "test_a_batch_is_whole_where_that_is_promised": contents.WritesUpToTheMisfit,
    "test_a_key_is_measured_in_bytes": contents.CountsKeyCharacters,
    "test_a_value_beyond_the_limit_is_refused": contents.TakesTooLargeValues,
    "test_a_value_that_cannot_be_decoded_stays": contents.LosesWhatItCannotDecode,
    "test_closing_twice_is_no_error": contents.ClosesOnce,
    "test_popitem_takes_all_and_lists_seldom": ListsForEach,
    "test_set_get_delete": ForgetsDeletes,
    "test_set_replaces": MergesValues,
    "test_absence_is_key_error": AnswersNoneForAbsence,
    "test_listing": ListsTwice,
    "test_batches": DropsDuplicates,
    "test_atomic_verbs": AddOverwrites,
    "test_clear_and_replace_all": ReplacesNothing,
    "test_writing_while_iterating": LiveIteration,
    "test_search_counts_matches": LimitsBeforeMatching,
    "test_a_search_narrows_and_never_loses": NarrowsTooFar,
    "test_shares_hold_every_key_once": SharesOverlap,
    "test_a_ttl_is_kept_or_refused": ForgetsTheTtl,
    "test_a_key_that_cannot_be_stored_is_absent": FindsOddKeys,
    "test_foreign_keys_are_left_alone": ClearsTheNeighbours,
    "test_save_and_load": ReplacesNothing,
    "test_threads": AddRaces,
    "test_repr_reads_nothing_and_names_the_class": ShowsItsData,
    "test_pickles": PicklesEmpty,
    "test_overrides_agree_with_the_derived_forms": CountsOneMore,
    "test_empty_batches_do_nothing": EmptyBatchClears,
    "test_wrong_arguments_are_refused": TakesAnyArgument,
    "test_it_says_what_it_promises": SaysNothing,
    "test_writes_reach_the_medium": ChangesOnTheWay,
    "test_reads_see_the_medium": Remembers,
    "test_a_layer_can_stand_on_it": NotLayerable,
    "test_check_raises_what_set_raises": LimitUnchecked,
    "test_the_raw_store_is_reached": HasItsOwnBottom,
    "test_batches_stay_batches": TakesBatchesApart,
    "test_failures_are_not_absence": FailuresAreAbsence,
    "test_capabilities_are_truthful": ClaimsTooMuch,
}


class Backends(BackendContract):
    def peek(self, store, key):
        return store.mapping.get(key, MISSING)

    def poke(self, store, key, value):
        store.mapping[key] = value


class Layers(LayerContract):
    pass


def contract_and_store(rule, toy):
    if issubclass(toy, Layer):
        contract = Layers()
        contract.wrap = toy
        return contract, contract.make(None)
    return Backends(), toy()


@pytest.mark.parametrize("rule", sorted({*rules(BackendContract), *rules(LayerContract)}))
def test_each_rule_catches_a_broken_toy(rule, tmp_path):
    """Every test of the kit goes red on the toy that breaks its promise."""
    contract, store = contract_and_store(rule, BROKEN[rule])
    with pytest.raises((AssertionError, RuntimeError, StoreError, pytest.fail.Exception)) as caught:
        run(contract, rule, store, tmp_path)
    assert not isinstance(caught.value, RuntimeError) or "changed" in str(caught.value)  # of a dict, while iterated


@pytest.mark.parametrize("rule", sorted(rules(BackendContract)))
def test_the_whole_toy_passes(rule, tmp_path):
    """The toy without a fault passes each test, so the faults are what the kit finds."""
    run(Backends(), rule, LimitChecked() if rule == "test_check_raises_what_set_raises" else Toy(), tmp_path)


def test_the_machine_catches_a_lost_update():
    """The state machine goes red on a store that forgets what one of its verbs wrote."""

    class LosesUpdates(Toy):
        def set_many(self, pairs):
            for number, (key, value) in enumerate(pairs):
                if number < 2:
                    self.set(key, value)

    machine = machine_for(lambda _: LosesUpdates(), st.text("ab", max_size=2), st.integers(0, 3))
    machine.TestCase.settings = settings(report_multiple_bugs=False, print_blob=False)
    with pytest.raises(AssertionError):
        machine.TestCase("runTest").runTest()


def test_a_frozen_store_that_lets_one_verb_through_is_caught():
    """The check of frozen stores goes red where a single write is let through."""

    class HalfFrozen(Frozen):
        def pop(self, key, default=MISSING):
            return default

    with pytest.raises((AssertionError, pytest.fail.Exception)):
        refuses_every_write(HalfFrozen(Memory({"a": 1})), {"a": 1})
