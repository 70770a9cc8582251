"""Sources: what a name or a path means, and where its images and labels are.

references        a name or a path to its source
files             image files in class folders, in a folder or a zip
layout            class and split of an image by its path
split_folders     distinction of split folders from class folders
split_words       the split in a folder's name
lost_folders      folders of which no image is read
npz               a file of numpy arrays
npz_arrays        arrays of such a file, opened with care
npz_images       images in such arrays, as bytes
npz_labels        labels in such arrays, as words
array_names       what the arrays are for, by their names
fer2013           FER2013 as Kaggle gave it out
digits            scikit-learn's digits
torchvision_sets  torchvision's data sets by name
"""
