package webanalytics;

import io.delta.storage.LocalLogStore;
import java.io.File;
import java.io.FileNotFoundException;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/**
 * Delta's log on a local disk, listed by name.
 *
 * <p>Every batch lists the logs it reads and writes several times, from a version that lies a few
 * commits back. The listing of LocalLogStore asks the system for the size and time of every file in
 * the folder before it leaves out those of earlier versions: 20 us each, so half a second with a
 * day's commits. This one reads the names, and looks at a file only when it is asked for.
 */
public class LazyLocalLogStore extends LocalLogStore {
    private static final long BLOCK_BYTES = 32L << 20; // what Hadoop's local file system says

    public LazyLocalLogStore(Configuration conf) {
        super(conf);
    }

    /** The files of the folder from `path` on, in the order of their names. */
    public Iterator<FileStatus> listFrom(Path path, Configuration conf)
            throws FileNotFoundException {
        File folder = new File(path.getParent().toUri().getPath());
        String[] names = folder.list();
        if (names == null) {
            throw new FileNotFoundException("No such file or directory: " + path.getParent());
        }
        Arrays.sort(names);
        int found = Arrays.binarySearch(names, path.getName());
        return new Files(path.getParent(), folder, names, found < 0 ? -found - 1 : found);
    }

    private static class Files implements Iterator<FileStatus> {
        private final Path parent;
        private final File folder;
        private final String[] names;
        private int position;
        private FileStatus next;

        Files(Path parent, File folder, String[] names, int position) {
            this.parent = parent;
            this.folder = folder;
            this.names = names;
            this.position = position;
        }

        public boolean hasNext() {
            while (next == null && position < names.length) {
                next = look(names[position++]);
            }
            return next != null;
        }

        public FileStatus next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            FileStatus found = next;
            next = null;
            return found;
        }

        /** Null where the file has been deleted since the names were read. */
        private FileStatus look(String name) {
            File file = new File(folder, name);
            long modified = file.lastModified();
            if (modified == 0) {
                return null;
            }
            return new FileStatus(
                    file.length(), file.isDirectory(), 1, BLOCK_BYTES, modified, new Path(parent, name));
        }
    }
}
