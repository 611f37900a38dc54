"""Stores whose verbs are not one step between threads."""

from spoonbill.common.sentinels import MISSING, RAISE, absent
from tests.contract.planted.base import Sound


class AddInTwoSteps(Sound):
    def add(self, key, value):
        if key in self.data:
            return False
        self.set(key, value)
        return True


class ReplaceInTwoSteps(Sound):
    def replace(self, key, expected, value):
        if self.get(key, MISSING) != expected:
            return False
        self.set(key, value)
        return True


class PopInTwoSteps(Sound):
    def pop(self, key, default=RAISE):
        value = self.get(key, MISSING)
        if value is MISSING:
            return absent(key, default)
        self.delete(key)
        return value


class DiscardInTwoSteps(Sound):
    def discard(self, key, expected):
        if self.get(key, MISSING) != expected:
            return False
        self.delete(key)
        return True


class SetLosesKeys(Sound):
    """Copies the whole contents, changes the copy and puts it back."""

    def set(self, key, value):
        whole = dict(self.data)
        whole[key] = value
        self.data = whole


class UpdateLosesKeys(Sound):
    def set_many(self, pairs):
        whole = dict(self.data)
        whole.update(pairs)
        self.data = whole


class DeleteBringsKeysBack(Sound):
    def delete(self, key):
        whole = dict(self.data)
        there = whole.pop(key, MISSING) is not MISSING
        self.data = whole
        return there


PLANTED = (
    AddInTwoSteps,
    ReplaceInTwoSteps,
    PopInTwoSteps,
    DiscardInTwoSteps,
    SetLosesKeys,
    UpdateLosesKeys,
    DeleteBringsKeysBack,
)
